/**
 * Load beside a case, every request numbered and its answer checked: `load start PORT [CONNECTIONS] [--post] [--size N]`
 * returns when each connection has had an answer; `load well` when so many in a row have had theirs; `load stop` prints what
 * became of all. It exits 1 where one was lost, unless all of the losses lie before the `load well`.
 */
import { spawn } from "node:child_process";
import { existsSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { until } from "../support/polling.ts";
import { Workload, type Failure } from "../support/workload.ts";

const PID_FILE = ".load.pid";
const RESULT_FILE = ".load.json";
const WELL_FILE = ".load.well";
/** Answers, no loss between them. */
const IN_A_ROW = 200;
/** For that, milliseconds: longer than any pause of a breaker or an ejection by default. */
const RECOVERY = 40_000;

interface Result {
  readonly sent: number;
  readonly answered: number;
  readonly refused: number;
  readonly by: readonly string[];
  readonly seconds: number;
  readonly failures: readonly Failure[];
  /** Lost before `load well` said so. */
  readonly excused: number;
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    post: { type: "boolean", default: false },
    size: { type: "string", default: "200" },
  },
});
const [action, port, connections = "10"] = positionals;

if (action === "start" && port !== undefined) await start();
else if (action === "run" && port !== undefined) await run(Number(port), Number(connections));
else if (action === "well") await well();
else if (action === "stop") await stop();
else fail("load start PORT [CONNECTIONS] [--post] [--size BYTES] | load well | load stop");

/** Starts itself apart, so that the shell's next command comes while it runs. */
async function start(): Promise<void> {
  if (existsSync(PID_FILE)) return fail("there is a load already: load stop");
  for (const file of [RESULT_FILE, WELL_FILE]) rmSync(file, { force: true });
  const self = fileURLToPath(import.meta.url);
  const child = spawn(process.execPath, [self, "run", ...process.argv.slice(3)], {
    stdio: ["ignore", "ignore", "inherit", "ipc"],
  });
  writeFileSync(PID_FILE, String(child.pid));
  await Promise.race([once(child, "message"), once(child, "exit")]);
  if (child.exitCode !== null) {
    rmSync(PID_FILE, { force: true });
    return fail("the load ended at its start");
  }
  process.stdout.write(`${connections} connections, each has had an answer\n`);
  child.disconnect();
  child.unref();
  return undefined;
}

async function run(port: number, connections: number): Promise<void> {
  const workload = new Workload({
    port,
    connections,
    method: values.post ? "POST" : "GET",
    size: () => Number(values.size),
    patience: 30_000,
  });
  const began = performance.now();
  const asked = once(process, "SIGTERM");
  // Those before all was well.
  let excused = 0;
  process.on("SIGUSR2", () => {
    void manyInARow(workload).then(() => {
      excused = workload.failures.length;
      writeFileSync(WELL_FILE, "");
    });
  });
  workload.start();
  await until("each connection has had an answer", () => workload.took.length >= connections, 30_000);
  process.send?.("running");
  await asked;
  await workload.stop();
  const result: Result = {
    sent: workload.sent,
    answered: workload.answeredBy.size,
    refused: workload.refused,
    by: [...new Set(workload.answeredBy.values())].sort(),
    seconds: (performance.now() - began) / 1_000,
    failures: workload.failures,
    excused,
  };
  writeFileSync(`${RESULT_FILE}.part`, JSON.stringify(result));
  renameSync(`${RESULT_FILE}.part`, RESULT_FILE);
}

/** Of those that are sent from now on. */
async function manyInARow(workload: Workload): Promise<void> {
  let lost = -1;
  let from = 0;
  await until(
    `${IN_A_ROW} were answered in a row`,
    () => {
      if (workload.failures.length > lost) {
        lost = workload.failures.length;
        from = workload.answeredBy.size;
      }
      return workload.answeredBy.size >= from + IN_A_ROW;
    },
    RECOVERY,
  );
}

function signal(name: NodeJS.Signals): void {
  if (!existsSync(PID_FILE)) throw new Error("there is no load: load start PORT");
  process.kill(Number(readFileSync(PID_FILE, "utf8")), name);
}

async function well(): Promise<void> {
  rmSync(WELL_FILE, { force: true });
  signal("SIGUSR2");
  await until("all is well", () => existsSync(WELL_FILE), RECOVERY);
  process.stdout.write(`${IN_A_ROW} answered in a row\n`);
}

async function stop(): Promise<void> {
  signal("SIGTERM");
  await until("the load has ended", () => existsSync(RESULT_FILE), 40_000);
  rmSync(PID_FILE);
  const result = JSON.parse(readFileSync(RESULT_FILE, "utf8")) as Result;
  const { sent, answered, refused, by, seconds, failures, excused } = result;
  const lost = failures.length + (sent - answered - failures.length);
  process.stdout.write(
    `${sent} requests in ${seconds.toFixed(1)} s, ${answered} answered, ${lost} lost` +
      `${refused > 0 ? `, ${refused} times nobody listened` : ""}; answered by ${by.join(", ")}\n`,
  );
  if (lost === 0) return undefined;
  const times = failures.map(({ at }) => at);
  const span = (Math.max(...times) - Math.min(...times)) / 1_000;
  const kinds = new Map<string, number>();
  for (const { kind, status } of failures) {
    const name = kind === "status" ? `status ${status}` : kind;
    kinds.set(name, (kinds.get(name) ?? 0) + 1);
  }
  const counts = [...kinds].map(([kind, count]) => `${count} ${kind}`).join(", ");
  process.stdout.write(
    `lost within ${span.toFixed(1)} s: ${counts}; one of them: ${failures[0]?.detail.trim()}\n`,
  );
  if (lost > excused) process.exitCode = 1;
  return undefined;
}

function fail(message: string): void {
  process.stderr.write(`load: ${message}\n`);
  process.exitCode = 2;
}
