/**
 * A front, or its backend, is killed at each await between a request and its 202: at the first, at the second, and so on until
 * requests are answered before it. Each request is sent again with its Idempotency-Key; then each must have been done, as one job.
 */
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { systemClock, type Clock } from "@outrigger/core";
import { freePort } from "@outrigger/core/testing";
import { createWorkQueue } from "@outrigger/work-queue";
import { Redis } from "ioredis";
import pg from "pg";
import { until } from "../../support/polling.ts";
import type { Program } from "../../support/program.ts";
import { judgedBy, launch, now, REMOVE, startServer, startWorkload, type BackendKind } from "./actors.ts";
import { outcomesOf } from "./callers.ts";
import { judgeQueue, type Accepted, type Fault } from "./judge.ts";
import { readJournal } from "./journal.ts";
import type { QueueResult, QueueWeather } from "./scenario.ts";
import type { Strike } from "./strike.ts";

/** One of the first goes with its job, one of the second is a blob of two parts. */
const SIZES = [10, 400_000];
/** So many answered in a row: no await is left before the answer. */
const ANSWERED = { full: 3, short: 1 };
/** Every so-manieth: one that runs its own database is long in starting. */
const STRIDES = {
  redis: { full: 1, short: 20 },
  postgres: { full: 1, short: 20 },
  embedded: { full: 5, short: 60 },
};

const HOOK = fileURLToPath(new URL(`./strike${import.meta.url.slice(-3)}`, import.meta.url));

/** A request that was struck at, and then sent again. */
interface Struck {
  readonly key: string;
  readonly body: string;
  /** What it was told first; null: nothing, or that it is not kept. */
  readonly first: string | null;
}

interface Front {
  readonly program: Program;
  readonly port: number;
}

export async function playStrikes(
  kind: BackendKind,
  victim: "front" | "backend",
  { short, random }: QueueWeather,
): Promise<QueueResult> {
  const folder = mkdtempSync(join(tmpdir(), "outrigger-queue-strikes-"));
  const form = short ? "short" : "full";
  const began = performance.now();
  const journal = join(folder, "work");
  const workloadPort = await freePort();
  const faults: Fault[] = [];
  const accepted: Accepted[] = [];
  const broken: string[] = [];
  const ends: (() => Promise<void>)[] = [() => Promise.resolve(rmSync(folder, REMOVE))];
  try {
    const server = kind === "embedded" ? null : await startServer(kind);
    if (server) ends.push(() => server.end());
    const address = server?.url ?? `embedded:${join(folder, "queue")}`;
    const workload = await startWorkload(workloadPort, journal);
    ends.push(() => workload.crash());
    const programs: Program[] = [];
    const openFront = async (role: string, hook: readonly string[] = []): Promise<Front> => {
      const [listen, probe] = [await freePort(), await freePort()];
      const { program } = await launch(role, { address, listen, probe, workloadPort }, hook);
      programs.push(program);
      ends.push(() => program.end());
      return { program, port: listen };
    };
    const role = server === null ? "both" : "front";
    if (server) await openFront("worker");

    let requests = 0;
    const sendAgain = async ({ key, body, first }: Struck, { port }: Front): Promise<void> => {
      let job: string | null = null;
      await until("it is kept", async () => (requests++, (job = await send(port, key, body)) !== null));
      if (first !== null && first !== job)
        broken.push(`request ${key} was answered 202 with job ${first}, and sent again with ${job}`);
      accepted.push({ id: key, job: job ?? "", at: now() });
    };
    let former: Struck | null = null;
    let front = await openFront(role, ["--import", HOOK]);
    const reached: string[] = [];
    for (const [index, size] of SIZES.entries()) {
      let last = 0;
      const stride = STRIDES[kind][form];
      const start = 1 + Math.floor(random() * stride);
      for (let answered = 0, turn = start; answered < ANSWERED[form]; turn += stride) {
        if (former !== null) await sendAgain(former, front);
        // Started while this one is killed.
        const next = victim === "backend" || server === null ? null : openFront(role, ["--import", HOOK]);
        const key = `${index}-${turn}`;
        const body = `${key} `.padEnd(size, "x");
        let from = now();
        const strike: Strike = { turn, victim: (victim === "front" ? front.program : server)?.pid ?? 0 };
        await front.program.ask(strike);
        requests++;
        const first = await send(front.port, key, body);
        former = { key, body, first };
        answered = first === null ? 0 : answered + 1;
        if (first === null) last = turn;
        if (victim === "front") {
          from = now();
          await front.program.end();
          front = await (next ?? openFront(role, ["--import", HOOK]));
        } else if (server !== null) {
          // Where it was answered before: a later turn would strike at one that is gone.
          await front.program.ask({ turn: 0, victim: 0 } satisfies Strike);
          await server.crash();
          await server.startAgain();
        }
        // The worker goes on where the front alone was killed.
        if (victim === "backend" || server === null)
          faults.push({
            ...{ what: `kill -9 of ${victim}`, from, to: now() },
            ...{ who: victim === "backend" ? "backend" : "worker", how: "killed" },
          });
      }
      reached.push(`turn ${last} with ${size} bytes`);
    }
    if (former !== null) await sendAgain(former, front);
    const outcomes = await outcomesOf(accepted, front.port);
    if (workload.hasEnded()) broken.push("workload ended, and nobody had ended it");
    for (const { name, alive, exited } of programs) {
      const { code, signal } = alive ? { code: null, signal: "SIGKILL" } : await exited;
      if (signal !== "SIGKILL")
        broken.push(`${name} ended, and nobody had ended it: ${signal ?? `exit code ${code}`}`);
    }
    await front.program.end();
    const work = readJournal(journal);
    const verdict = judgeQueue({ accepted, outcomes, work, faults, ...judgedBy(1) });
    const jobs = new Map(accepted.map(({ id, job }) => [id, job]));
    for (const { id, job } of work)
      if (jobs.has(id) && jobs.get(id) !== job)
        broken.push(`request ${id} is job ${jobs.get(id)}, and was done as ${job}, too`);
    broken.push(...verdict.broken, ...(await sweep(kind, address, new Set(jobs.values()))));
    return {
      seconds: Math.round((performance.now() - began) / 1_000),
      requests,
      accepted: accepted.length,
      repeated: verdict.repeated,
      faults: { [`kill -9 of ${victim}, up to ${reached.join(" and ")}`]: accepted.length },
      broken,
    };
  } finally {
    for (const end of ends.reverse()) await end();
  }
}

/** The job's id; null: it was not told 202. */
function send(port: number, key: string, body: string): Promise<string | null> {
  return new Promise((resolve) => {
    const sent = request(
      // A connection of its own: with it begins what is counted.
      { host: "127.0.0.1", port, method: "POST", path: "/work", agent: false, timeout: 5_000 },
      (answer) => {
        let text = "";
        answer.on("data", (chunk: Buffer) => (text += chunk.toString()));
        answer.on("error", () => resolve(null));
        answer.on("end", () =>
          resolve(answer.statusCode === 202 ? (JSON.parse(text) as { id: string }).id : null),
        );
      },
    );
    sent.on("error", () => resolve(null));
    sent.on("timeout", () => sent.destroy());
    sent.setHeader("idempotency-key", key);
    sent.end(body);
  });
}

/** Two hours later, by a clock that is so far ahead, there may be no body but those of jobs that are kept. */
async function sweep(kind: BackendKind, backend: string, jobs: ReadonlySet<string>): Promise<string[]> {
  const ahead: Clock = {
    ...{ now: () => systemClock.now(), sleep: (span, signal) => systemClock.sleep(span, signal) },
    wallTime: () => systemClock.wallTime() + 2 * 3_600_000,
    // Minutes pass at once.
    timer: (delay, fire, options) => systemClock.timer(delay < 60_000 ? delay : 100, fire, options),
  };
  const queue = createWorkQueue({ backend, role: "front", listen: "127.0.0.1:0" }, { clock: ahead });
  await queue.start();
  let left: string[] = [];
  try {
    await until("no blob is nobody's", async () => {
      left = (await blobs(kind, backend)).filter((id) => !jobs.has(id));
      return left.length === 0;
    });
    return [];
  } catch {
    return [`${left.length} blobs of nobody were not swept`];
  } finally {
    await queue.stop();
  }
}

async function blobs(kind: BackendKind, backend: string): Promise<string[]> {
  if (kind === "embedded") {
    const folder = join(backend.slice("embedded:".length), "blobs", "requests");
    return readdirSync(folder).filter((name) => !name.startsWith("."));
  }
  if (kind === "redis") {
    const redis = new Redis(backend);
    try {
      const keys = await redis.keys("outrigger:requests:blobs:*");
      return keys.map((key) => key.split(":")[3] as string).filter((id) => id !== "sizes");
    } finally {
      redis.disconnect();
    }
  }
  const client = new pg.Client(backend);
  await client.connect();
  try {
    const { rows } = await client.query("SELECT DISTINCT id FROM bullmq.outrigger_blob");
    return (rows as { id: string }[]).map(({ id }) => id);
  } finally {
    await client.end();
  }
}
