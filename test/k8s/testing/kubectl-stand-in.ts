/**
 * A kubectl for tests: `node kubectl-stand-in.js FOLDER WORD...` writes down how it was called (calls.jsonl), refuses
 * what kubectl would (an unknown command or flag, a thing without a namespace), and plays a cluster in which all goes
 * well, but for what FOLDER/play.json says.
 */
import { appendFileSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { until } from "../../support/polling.ts";
import { recorded, type Call, type Play } from "./play.ts";

const FLAGS: Readonly<Record<string, readonly string[]>> = {
  version: ["output", "request-timeout"],
  "create namespace": [],
  "delete namespace": ["ignore-not-found", "wait", "timeout"],
  apply: ["validate", "filename", "dry-run"],
  wait: ["for", "timeout"],
  "rollout status": ["timeout"],
  "rollout restart": [],
  logs: ["follow", "container"],
  "delete pod": ["wait", "timeout", "grace-period", "force", "selector"],
  "delete deployment": ["wait", "timeout"],
  get: ["output", "sort-by", "selector"],
};
const WITHOUT_NAMESPACE = new Set(["version", "create namespace", "delete namespace"]);

/** The ticker's pods: as applied, after the leader is deleted, after all are rolled; the first of each leads. */
const GENERATIONS = [
  ["a", "b", "c"],
  ["b", "c", "d"],
  ["c", "d", "h"],
  ["e", "f", "g"],
];

const [folder = "", ...args] = process.argv.slice(2);
const callsFile = join(folder, "calls.jsonl");
const play = JSON.parse(readFileSync(join(folder, "play.json"), "utf8")) as Play;
const flags = new Map(
  args
    .filter((word) => word.startsWith("--"))
    .map((word): [string, string | undefined] => {
      const [, name = "", value] = /^--([^=]*)(?:=(.*))?$/s.exec(word) ?? [];
      return [name, value];
    }),
);
const words = args.filter((word) => !word.startsWith("--"));
const command = [words.slice(0, 2).join(" "), words[0] ?? ""].find((name) => name in FLAGS);

try {
  process.stdout.write(await answer());
} catch (error) {
  process.stderr.write(`${(error as Error).message}\n`);
  process.exitCode = 1;
}

async function answer(): Promise<string> {
  if (command === undefined) throw new Error(`error: unknown command "${words.join(" ")}"`);
  const input = flags.get("filename") === "-" ? await text(process.stdin) : "";
  appendFileSync(callsFile, `${JSON.stringify({ args, input } satisfies Call)}\n`);
  for (const flag of flags.keys())
    if (!["context", "namespace", ...(FLAGS[command] ?? [])].includes(flag))
      throw new Error(`error: unknown flag: --${flag}`);
  if (play.unreachable) throw new Error("The connection to the server localhost:8080 was refused");
  if (flags.has("namespace") === WITHOUT_NAMESPACE.has(command))
    throw new Error(`error: ${command} with or without a namespace?`);
  const said = Object.entries(play.fails ?? {}).find(([begin]) => words.join(" ").startsWith(begin));
  if (said) throw new Error(said[1]);
  if (command === "version")
    return JSON.stringify({
      serverVersion: { gitVersion: `v1.${play.minor ?? "32"}.0`, minor: play.minor ?? "32" },
    });
  if (command === "apply") {
    if (input === "") throw new Error("error: no objects passed to apply");
    if (play.refuses !== undefined && input.includes(play.refuses))
      throw new Error(`error: strict decoding error: unknown field "${play.refuses}"`);
  }
  if (command === "get" && words[1] === "lease") return `ticker-${GENERATIONS[generation()]?.[0]}_uid`;
  if (command === "get" && flags.get("selector") === "app=ticker")
    return (GENERATIONS[generation()] ?? []).map((pod) => `ticker-${pod}`).join(" ");
  if (command === "logs" && words[1]?.startsWith("ticker-")) return ticks(words[1]);
  if (command === "logs" && words[1] === "queue-shop")
    return `${"accepted 20\n".repeat(15)}${play.pictures ?? "done: 300 accepted, 300 made, 0 failed, 0 lost"}\n`;
  if (command === "logs") return logs();
  return "";
}

function generation(): number {
  const did = (...some: string[]): boolean =>
    recorded(folder).some(({ args }) => some.every((word) => args.includes(word)));
  if (did("restart", "deployment/ticker")) return 3;
  return did("delete", "ticker-b") ? 2 : did("delete", "ticker-a") ? 1 : 0;
}

async function ticks(pod: string): Promise<string> {
  if (flags.has("follow"))
    await until("the ticker is deleted", () =>
      recorded(folder).some(
        ({ args }) => args.includes("delete") && (args.includes(pod) || args.includes("ticker")),
      ),
    );
  const at = (second: number, token: number): string =>
    `tick 2026-01-01T00:00:0${second}.010Z token ${token}\n`;
  if (pod === "ticker-a") return at(1, 3) + at(2, 3);
  if (pod === "ticker-b") return at(4, 7);
  if (pod === "ticker-c") return at(5, 8);
  return pod === "ticker-e" ? (play.ticks ?? at(6, 9)) : "";
}

async function logs(): Promise<string> {
  const last = `${play.shop ?? "done: 400 requests, 400 answered, 0 failed"}\n`;
  const job = words.some((word) => word.startsWith("job/"));
  if (job) return last;
  if (!flags.has("follow")) return "80 answered, 0 failed\n".repeat(5);
  // A log ends when its pod does.
  const pod = words[1] ?? "";
  await until(`${pod} is deleted`, () =>
    recorded(folder).some(({ args }) => args.includes("delete") && args.includes(pod)),
  );
  return last;
}
