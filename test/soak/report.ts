/**
 * The soak's JSON as a table, and into the READMEs of the ambassador and (as a sentence) of the others between
 * `<!-- soak:begin -->` and `<!-- soak:end -->`. Anybody can run it again: node test/dist/soak/report.js
 */
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { replaceBetweenMarks } from "../bench/report.ts";
import { UPSTREAM } from "./connections.ts";
import { mebibytes, problems, type ElectionsResult, type PartResult, type SoakResult } from "./result.ts";

/** Seen from test/dist/soak. */
const RESULT = fileURLToPath(new URL("../../soak/results/soak.json", import.meta.url));
const readme = (pattern: string): string =>
  fileURLToPath(new URL(`../../../packages/${pattern}/README.md`, import.meta.url));

export interface ResultRow {
  readonly what: string;
  readonly memory: string;
  readonly outcome: string;
}

export function resultRow(part: PartResult): ResultRow {
  switch (part.kind) {
    case "connections":
      return {
        what: `${thousands(part.connections)} client connections (file limit ${thousands(part.hardFileLimit)}; maxConnections=${UPSTREAM.maxConnections}), each asking once in 10 to 20 s, held for ${part.holdSeconds} s`,
        memory: `${mebibytes(part.rssOpen)} MB: ${(part.bytesPerConnection / 1024).toFixed(1)} KB a connection; ${rise(part.memory)}; ${mebibytes(part.rssBefore)} MB before, ${mebibytes(part.rssClosed)} MB ${part.closedSeconds} s after they closed`,
        outcome: lost(part.requests, part.failures.length),
      };
    case "bodies":
      return {
        what: `${mebibytes(part.bytes).replace(".0", "")} MB bodies to receivers that stop: ${part.transfers.map(({ name, seconds, stoppedSeconds }) => `${name} (${seconds} s, of which ${stoppedSeconds} s stopped)`).join("; ")}`,
        memory: rise(part.memory),
        outcome: part.transfers.every(({ same }) => same)
          ? "counts and SHA-256 the same at both ends"
          : `**not the same: ${part.transfers
              .filter(({ same }) => !same)
              .map(({ name }) => name)
              .join(", ")}**`,
      };
    case "reloads":
      return {
        what: `${thousands(part.reloads)} reloads under the load of 50 connections, in ${part.seconds} s`,
        memory: rise(part.memory),
        outcome: `${lost(part.requests, part.failures.length)}; open files ${part.filesBase} before, ${part.filesEnd} after`,
      };
    case "library":
      return {
        what: `${thousands(part.reloads)} reloads as a library`,
        memory: `heap ${mebibytes(part.heapBefore)} MB before, ${mebibytes(part.heapAfter)} MB after`,
        outcome: `timers and handles ${total(part.resourcesBefore)} before, ${total(part.resourcesAfter)} after`,
      };
    case "steady":
      return {
        what: `50 connections for ${part.seconds} s`,
        memory: rise(part.memory),
        outcome: lost(part.requests, part.failures.length),
      };
    case "elections":
      return {
        what: `${seedsOf(part)}, in ${part.seconds} s`,
        memory: "not watched",
        outcome: elections(part),
      };
    case "queue":
      return {
        what: `a backlog of ${thousands(part.jobs)} jobs on Redis, worked off in ${part.seconds} s`,
        memory: part.processes
          .map(
            ({ name, memory, scrapeP99 }) =>
              `${name} ${rise(memory)}, \`/metrics\` ${milliseconds(scrapeP99)}`,
          )
          .join("; "),
        outcome: `${lost(part.requests, part.failures.length)}; ${thousands(part.missing)} jobs missing, ${thousands(part.repeated)} done twice`,
      };
    default:
      return part satisfies never;
  }
}

export function markdownTable(result: SoakResult): string {
  const rows = result.parts.flatMap((part) => {
    if (part.kind === "elections" || part.kind === "queue") return [];
    const { what, memory, outcome } = resultRow(part);
    const found = problems(part);
    const verdict = found.length === 0 ? "" : ` **${found.join("; ")}**`;
    return `| ${what} | ${memory} | ${outcome}${verdict} |`;
  });
  return [
    `Node ${result.node}. Flat: the greatest of four samples a second, less the median of the last 5 s of a warm-up; must be within 32 MB. \`npm run soak\` wrote this.`,
    "",
    "| what | resident memory | outcome |",
    "|---|---|---|",
    ...rows,
  ].join("\n");
}

/** What the simulation of elections came to, as a sentence; empty: it was not run. */
export function electionsSentence(result: SoakResult): string {
  const part = result.parts.find(({ kind }) => kind === "elections");
  if (part?.kind !== "elections") return "";
  const found = problems(part);
  return `\`npm run soak -- elections\` wrote this: ${seedsOf(part)}; ${elections(part)}${found.length === 0 ? "" : ` (**${found.join("; ")}**)`}.`;
}

/** What the queue's backlog came to, as a sentence; empty: it was not run. */
export function backlogSentence(result: SoakResult): string {
  const part = result.parts.find(({ kind }) => kind === "queue");
  if (part === undefined) return "";
  const { what, memory, outcome } = resultRow(part);
  const found = problems(part);
  return `\`npm run soak -- queue\` wrote this: ${what}; resident memory: ${memory}; ${outcome}${found.length === 0 ? "" : ` (**${found.join("; ")}**)`}.`;
}

/** Writes them into the READMEs; says so and does nothing where there is no place for them. */
export function report(say: (text: string) => void): void {
  const result = JSON.parse(readFileSync(RESULT, "utf8")) as SoakResult;
  const texts = {
    ambassador: markdownTable(result),
    "leader-elector": electionsSentence(result),
    "work-queue": backlogSentence(result),
  };
  for (const [pattern, text] of Object.entries(texts)) {
    if (text === "") continue;
    try {
      replaceBetweenMarks(readme(pattern), "soak", text);
      say(`wrote what it came to into ${readme(pattern)}\n`);
    } catch (thrown) {
      const why = thrown instanceof Error ? thrown.message : String(thrown);
      say(`the README has no place for the soak: ${why}\n`);
    }
  }
}

const FIELDS: Readonly<Record<string, string>> = { ours: "ours alone", mixed: "ours beside client-go's" };

function seedsOf({ fields }: ElectionsResult): string {
  return fields
    .map(({ field, seeds }) => `${thousands(seeds)} seeds of ${FIELDS[field] ?? field}`)
    .join(", ");
}

function elections({ fields }: ElectionsResult): string {
  const count = (key: "faults" | "acquisitions"): string =>
    thousands(fields.reduce((sum, field) => sum + field[key], 0));
  const broken = fields.reduce((sum, field) => sum + field.broken.length, 0);
  return `${count("faults")} faults, ${count("acquisitions")} acquisitions, ${broken === 0 ? "no promise" : `**${broken} promises**`} broken`;
}

function rise({ base, rise }: { base: number; rise: number }): string {
  return `${mebibytes(base)} MB, at most ${mebibytes(Math.max(0, rise))} MB above`;
}

function lost(requests: number, failures: number): string {
  return `${thousands(requests)} requests, ${failures === 0 ? "none" : `**${failures}**`} lost`;
}

function milliseconds(span: number): string {
  return `${span.toFixed(0)} ms (p99)`;
}

function total(counts: Readonly<Record<string, number>>): number {
  return Object.values(counts).reduce((sum, count) => sum + count, 0);
}

function thousands(count: number): string {
  return count.toLocaleString("en-US");
}

if (process.argv[1] === fileURLToPath(import.meta.url)) report((text) => process.stdout.write(text));
