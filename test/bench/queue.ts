/**
 * npm run bench -- queue: CPU per job of front and worker, beside a node:http server that does `queue.add` and a BullMQ worker
 * that makes the same request, on the same Redis in the same run; and ours on each backend. A round of each: jobs as fast as
 * they are taken, until the workload has had the last; then jobs at a steady pace, for the time from a caller's request to the
 * workload's. No figure is believed unless every request was answered 202 and came to the workload once, and whole.
 */
import { spawnSync } from "node:child_process";
import { freePort } from "@outrigger/core/testing";
import { Program } from "../support/program.ts";
import type { QueueLoad, QueueSeen } from "./queue-load.ts";
import { MUSTS, type QueueResult, type QueueSide } from "./queue-result.ts";
import {
  BACKENDS,
  CONCURRENCY,
  DRIVER_CPU,
  type BackendKind,
  type BenchBackend,
  type Programs,
} from "./queue-sides.ts";
import type { Spawned } from "./spawned.ts";

export interface QueueBenchOptions extends Programs {
  readonly nodeVersion: string;
  /** Callers and workload. */
  readonly driver: string;
  readonly rounds: number;
  readonly jobs: number;
  /** Of a round at a steady pace. */
  readonly seconds: number;
  readonly say: (text: string) => void;
}

const CONNECTIONS = 50;
const PER_SECOND = 50;

export async function benchQueue(options: QueueBenchOptions): Promise<QueueResult> {
  const { nodeVersion: node, rounds, jobs, say } = options;
  // What this process starts has the same CPU, unless it is told another: the backends, the driver.
  spawnSync("taskset", ["-a", "-c", "-p", String(DRIVER_CPU), String(process.pid)]);
  const workload = await freePort();
  const driver = Program.node("driver", options.driver, [String(workload)]);
  const missing = BACKENDS.flatMap(({ missing }) => (missing === false ? [] : [missing]));
  for (const why of missing) say(`MISSING: ${why}\n`);
  try {
    await driver.receive();
    const backends: QueueResult["backends"][number][] = [];
    for (const kind of BACKENDS) {
      if (kind.missing !== false) continue;
      const sides = await benchBackend(kind, driver, `http://127.0.0.1:${workload}`, options);
      backends.push({ name: kind.name, musts: MUSTS[kind.name] ?? [], sides });
    }
    return {
      bench: "queue",
      node,
      rounds,
      jobs,
      perSecond: PER_SECOND,
      concurrency: CONCURRENCY,
      missing,
      backends,
    };
  } finally {
    await driver.end();
  }
}

interface Running {
  readonly name: string;
  readonly port: number;
  readonly processes: readonly Spawned[];
  readonly figures: { [Key in Exclude<keyof QueueSide, "name">]: number[] };
}

async function benchBackend(
  kind: BackendKind,
  driver: Program,
  workload: string,
  options: QueueBenchOptions,
): Promise<QueueSide[]> {
  const backend = await kind.open();
  const running: Running[] = [];
  try {
    for (const side of backend.sides) {
      const port = await freePort();
      const processes = await side.start(options, port, workload);
      const figures = {
        cpuMicroseconds: [],
        perSecond: [],
        backendMicroseconds: [],
        pacedMicroseconds: [],
        p50: [],
        p99: [],
      };
      running.push({ name: side.name, port, processes, figures });
    }
    // Round 0 warms up and is not counted.
    for (let round = 0; round <= options.rounds; round++) {
      for (const side of running) await takeRound(round, side, backend, driver, options);
    }
    return running.map(({ name, figures }) => ({ name, ...figures }));
  } finally {
    for (const { processes } of running) for (const each of processes) await each.stop();
    await backend.end();
  }
}

async function takeRound(
  round: number,
  { name, port, processes, figures }: Running,
  backend: BenchBackend,
  driver: Program,
  { jobs, seconds, say }: QueueBenchOptions,
): Promise<void> {
  const cpu = (): number => processes.reduce((sum, each) => sum + each.cpuMicroseconds(), 0);
  const measure = async (load: QueueLoad) => {
    const [before, backendBefore] = [cpu(), backend.cpuMicroseconds()];
    const seen = (await driver.ask(load)) as QueueSeen;
    const own = backend.cpuMicroseconds();
    if (seen.refused + seen.lost + seen.wrong > 0)
      throw new Error(
        `${name} on ${backend.name}: of ${load.jobs} requests ${seen.refused} were not answered 202, ${seen.lost} did not come to the workload, ${seen.wrong} came twice or changed`,
      );
    return {
      ...seen,
      cpu: (cpu() - before) / load.jobs,
      own: own === null || backendBefore === null ? null : (own - backendBefore) / load.jobs,
    };
  };
  const count = Math.ceil(jobs * backend.share);
  const fast = await measure({ port, jobs: count, connections: CONNECTIONS });
  const pace = { jobs: seconds * PER_SECOND, perSecond: PER_SECOND };
  const paced = await measure({ port, connections: CONNECTIONS, ...pace });
  if (round === 0) return;
  figures.cpuMicroseconds.push(fast.cpu);
  figures.perSecond.push(count / fast.seconds);
  if (fast.own !== null) figures.backendMicroseconds.push(fast.own);
  figures.pacedMicroseconds.push(paced.cpu);
  figures.p50.push(paced.p50);
  figures.p99.push(paced.p99);
  say(
    `  round ${round} ${backend.name.padEnd(9)} ${name.padEnd(20)} ${fast.cpu.toFixed(0).padStart(6)} us/job ${(count / fast.seconds).toFixed(0).padStart(6)}/s, backend ${(fast.own ?? 0).toFixed(0)}; at ${PER_SECOND}/s ${paced.cpu.toFixed(0)} us/job, p50 ${paced.p50.toFixed(2)} p99 ${paced.p99.toFixed(2)} ms\n`,
  );
}
