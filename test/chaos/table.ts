/** The chaos suite's figures as text: a line a scenario under one heading, and below it what does not hold. */
import type { Percentiles } from "../support/latency.ts";
import type { QueueResult } from "./queue/scenario.ts";
import type { ElectorResult } from "./elector/scenario.ts";
import type { ScenarioResult } from "./verdict.ts";

const WIDTHS = [6, 18, 9, 26, 7, 12, 12, 12, 9] as const;

export function heading(): string {
  return `${row("", "scenario", "requests", "failed", "resent", "before", "during", "after", "p99 back")}\n${row("", "", "", "", "", "p50/p99 ms", "p50/p99 ms", "p50/p99 ms", "after ms")}\n`;
}

export function resultLines(result: ScenarioResult): string {
  const { name, requests, failures, failuresByKind, resent, before, during, after, recovery, broken } =
    result;
  const kinds = Object.entries(failuresByKind).map(([kind, count]) => `${count} ${kind}`);
  const worst = recovery && Math.max(0, ...recovery.map(({ milliseconds }) => milliseconds ?? Infinity));
  const line = row(
    broken.length === 0 ? "ok" : "FAIL",
    name,
    String(requests),
    failures === 0 ? "0" : kinds.join(", "),
    String(resent),
    pair(before),
    pair(during),
    pair(after),
    worst === null ? "-" : worst === Infinity ? "never" : String(worst),
  );
  const problems = broken.map((problem) => `       ${problem}\n`).join("");
  const log = result.log === undefined ? "" : `       the end of the ambassador's log:\n${result.log}\n`;
  return `${line}\n${problems}${log}`;
}

export function electorLines(result: ElectorResult): string {
  const { name, seconds, terms, acts, refused, faults, failovers, broken } = result;
  const struck = Object.entries(faults).map(([fault, count]) => `${count} ${fault}`);
  const followed = failovers.map(({ fault, milliseconds }) => `${milliseconds} ms after ${fault}`);
  return [
    `${broken.length === 0 ? "ok" : "FAIL"}     ${name}: ${seconds} s, ${terms} terms, ${acts} acts, ${refused} refused by their token`,
    `       faults: ${struck.join(", ")}`,
    `       another led: ${followed.join(", ")}`,
    ...broken.slice(0, 20).map((problem) => `       ${problem}`),
    "",
  ].join("\n");
}

export function queueLines(result: QueueResult & { readonly name: string }): string {
  if (result.skipped !== undefined) return `skip     ${result.name}: ${result.skipped}\n`;
  const { name, seconds, requests, accepted, repeated, faults, broken } = result;
  const struck = Object.entries(faults).map(([fault, count]) => `${count} ${fault}`);
  return [
    `${broken.length === 0 ? "ok" : "FAIL"}     ${name}: ${seconds} s, ${requests} requests, ${accepted} answered 202, ${repeated} given to the workload twice`,
    `       faults: ${struck.join(", ")}`,
    ...broken.slice(0, 20).map((problem) => `       ${problem}`),
    "",
  ].join("\n");
}

function row(...cells: readonly string[]): string {
  return cells
    .map((cell, index) => (index < 2 ? cell.padEnd(WIDTHS[index] ?? 0) : cell.padStart(WIDTHS[index] ?? 0)))
    .join(" ")
    .trimEnd();
}

function pair({ count, p50, p99 }: Percentiles): string {
  return count === 0 ? "-" : `${p50.toFixed(0)}/${p99.toFixed(0)}`;
}
