/**
 * Callers, fronts, workers, a workload and a backend, each a process; all of them killed and stopped at random under load.
 * Then everything is well again, and every job that was answered 202 must come to an end.
 */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { freePort, PostgresServer, RedisServer } from "@outrigger/core/testing";
import { span, until } from "../../support/polling.ts";
import { Program } from "../../support/program.ts";
import { judgeQueue, type Accepted, type Fault, type Outcome, type WorkEntry } from "./judge.ts";

export interface QueueScenario {
  readonly name: string;
  readonly promise: string;
  readonly backend: "redis" | "postgres" | "embedded";
}

export interface QueueResult {
  readonly name: string;
  readonly promise: string;
  readonly seconds: number;
  readonly requests: number;
  readonly accepted: number;
  readonly repeated: number;
  readonly faults: Readonly<Record<string, number>>;
  readonly broken: readonly string[];
}

export interface QueueWeather {
  readonly storm: number;
  readonly random: () => number;
}

export const QUEUE_SCENARIOS: readonly QueueScenario[] = [
  {
    name: "queue-redis",
    promise: "fronts, workers, workload and Redis killed and stopped at random: every 202 comes to an end",
    backend: "redis",
  },
  { name: "queue-postgres", promise: "the same on Postgres", backend: "postgres" },
  {
    name: "queue-embedded",
    promise: "the same on a folder, with all of ours in one process",
    backend: "embedded",
  },
];

const CALLERS = 8;
/** Milliseconds after which a job of a worker that has ended is another's: the lock, and a look. */
const LOCK = 2_000;
const LULL = 200;
const LONGEST_LULL = 1_200;
/** A job may have run into a lock that was just renewed, and wait for a pause between attempts. */
const LONGEST_END = 60_000;

const BIN = fileURLToPath(
  new URL("../../../../packages/work-queue/bin/outrigger-work-queue.js", import.meta.url),
);
const WORKLOAD = fileURLToPath(new URL(`./workload${import.meta.url.slice(-3)}`, import.meta.url));

interface Running {
  readonly program: { kill(signal: NodeJS.Signals): void };
  /** It ended by itself. */
  hasEnded?(): boolean;
  crash(): Promise<void>;
}

/** One process that is killed and stopped, and started again as it was. */
class Actor {
  readonly name: string;
  readonly #launch: () => Promise<Running>;
  #running: Running | null = null;
  #fault: { what: string; from: number } | null = null;
  readonly #faults: Fault[];

  constructor(name: string, faults: Fault[], launch: () => Promise<Running>) {
    this.name = name;
    this.#faults = faults;
    this.#launch = launch;
  }

  async start(): Promise<void> {
    this.#running = await this.#launch();
  }

  get isWell(): boolean {
    return this.#fault === null;
  }

  async kill(): Promise<void> {
    this.#fault = { what: `kill -9 of ${this.name}`, from: now() };
    const running = this.#running;
    this.#running = null;
    await running?.crash();
  }

  pause(): void {
    this.#fault = { what: `SIGSTOP of ${this.name}`, from: now() };
    this.#running?.program.kill("SIGSTOP");
  }

  async mend(): Promise<void> {
    if (this.#fault === null) return;
    if (this.#running === null || this.#running.hasEnded?.() === true) await this.start();
    else this.#running.program.kill("SIGCONT");
    this.#faults.push({ ...this.#fault, to: now() });
    this.#fault = null;
  }

  async end(): Promise<void> {
    await this.#running?.crash();
  }
}

const now = (): number => Number(process.hrtime.bigint());

export async function playQueue(scenario: QueueScenario, weather: QueueWeather): Promise<QueueResult> {
  const folder = mkdtempSync(join(tmpdir(), "outrigger-queue-chaos-"));
  const began = performance.now();
  const faults: Fault[] = [];
  const journal = join(folder, "work");
  const workloadPort = await freePort();
  const actors: Actor[] = [];
  const ends: (() => Promise<void>)[] = [];
  try {
    const { address, actor } = await openBackend(scenario.backend, folder, faults, ends);
    if (actor !== null) actors.push(actor);
    actors.push(
      new Actor("workload", faults, async () => {
        const program = Program.node("workload", WORKLOAD, [String(workloadPort), journal]);
        await program.receive();
        return { program, crash: () => program.end() };
      }),
    );
    const roles = actor === null ? ["both"] : ["front", "front", "worker", "worker"];
    const fronts: number[] = [];
    for (const [index, role] of roles.entries()) {
      const listen = await freePort();
      const probe = await freePort();
      if (role !== "worker") fronts.push(listen);
      actors.push(
        new Actor(`${role} ${index}`, faults, () => launch(role, { address, listen, probe, workloadPort })),
      );
    }
    for (const each of actors) await each.start();

    const callers = new Callers(fronts);
    callers.start();
    await storm(actors, weather);
    for (const each of actors) await each.mend();
    await span(500);
    await callers.stop();
    const outcomes = await outcomesOf(callers.accepted, fronts[0] as number);
    const work = readFileSync(journal, "utf8")
      .split("\n")
      .filter((line) => line.endsWith("}"))
      .map((line) => JSON.parse(line) as WorkEntry);
    const stall = (2 * LOCK + 1_000) * 1e6;
    const { broken, repeated } = judgeQueue({ accepted: callers.accepted, outcomes, work, faults, stall });
    const counts: Record<string, number> = {};
    for (const { what } of faults) {
      const kind = what.replace(/ \d+$/, "");
      counts[kind] = (counts[kind] ?? 0) + 1;
    }
    return {
      name: scenario.name,
      promise: scenario.promise,
      seconds: Math.round((performance.now() - began) / 1_000),
      requests: callers.requests,
      accepted: callers.accepted.length,
      repeated,
      faults: counts,
      broken: callers.accepted.length === 0 ? ["no request was taken at all"] : broken,
    };
  } finally {
    for (const each of actors) await each.end();
    for (const end of ends) await end();
    rmSync(folder, { recursive: true, force: true });
  }
}

async function openBackend(
  kind: QueueScenario["backend"],
  folder: string,
  faults: Fault[],
  ends: (() => Promise<void>)[],
): Promise<{ address: string; actor: Actor | null }> {
  if (kind === "embedded") return { address: `embedded:${join(folder, "queue")}`, actor: null };
  const server =
    kind === "redis"
      ? // By default one that is killed may lack what it has acknowledged, where its disk is busy.
        await RedisServer.start(["--appendonly", "yes", "--appendfsync", "always"])
      : await PostgresServer.start();
  ends.push(async () => {
    server.kill("SIGCONT");
    await server.end();
  });
  let isFirst = true;
  const actor = new Actor(kind, faults, async () => {
    if (!isFirst) await server.startAgain();
    isFirst = false;
    return { program: server, crash: () => server.crash() };
  });
  return { address: server.url, actor };
}

async function launch(
  role: string,
  at: { address: string; listen: number; probe: number; workloadPort: number },
): Promise<Running> {
  const program = Program.node(role, BIN, [
    ...["--role", role, "--backend", at.address, "--listen", `127.0.0.1:${at.listen}`],
    ...["--workload", `http://127.0.0.1:${at.workloadPort}`, "--probe", `127.0.0.1:${at.probe}`],
    ...["--control", "off", "--log-level", "error", "--attempts", "100", "--concurrency", "8"],
    ...[
      "--backoff",
      "50ms",
      "--max-backoff",
      "500ms",
      "--lock-duration",
      `${LOCK}ms`,
      "--store-timeout",
      "1s",
    ],
  ]);
  // Ready, or told what it waits for: it is not asked to be well while its backend is not.
  const port = role === "worker" ? at.probe : at.listen;
  await until(`${role} answers`, () => !program.alive || answers(port), 60_000);
  return { program, hasEnded: () => !program.alive, crash: () => program.end() };
}

const answers = (port: number): Promise<boolean> =>
  fetch(`http://127.0.0.1:${port}/livez`, { signal: AbortSignal.timeout(1_000) }).then(
    () => true,
    () => false,
  );

async function storm(actors: readonly Actor[], { storm: length, random }: QueueWeather): Promise<void> {
  for (const end = performance.now() + length; performance.now() < end;) {
    const actor = actors[Math.floor(random() * actors.length)] as Actor;
    if (!actor.isWell) await actor.mend();
    else if (random() < 0.6) await actor.kill();
    else actor.pause();
    await span(LULL + random() * (LONGEST_LULL - LULL));
  }
}

class Callers {
  readonly accepted: Accepted[] = [];
  requests = 0;
  readonly #fronts: readonly number[];
  #stopping = false;
  #running: Promise<void>[] = [];

  constructor(fronts: readonly number[]) {
    this.#fronts = fronts;
  }

  start(): void {
    this.#running = Array.from({ length: CALLERS }, (_, index) => this.#call(index));
  }

  async stop(): Promise<void> {
    this.#stopping = true;
    await Promise.all(this.#running);
  }

  async #call(index: number): Promise<void> {
    for (let turn = 0; !this.#stopping; turn++) {
      const id = String(this.requests++);
      const port = this.#fronts[(index + turn) % this.#fronts.length];
      try {
        const answer = await fetch(`http://127.0.0.1:${port}/work`, {
          method: "POST",
          body: id,
          signal: AbortSignal.timeout(3_000),
        });
        const told = (await answer.json()) as { id: string };
        if (answer.status === 202) this.accepted.push({ id, job: told.id });
      } catch {
        // Not told 202: nothing was promised.
      }
      await span(20);
    }
  }
}

async function outcomesOf(accepted: readonly Accepted[], port: number): Promise<Map<string, Outcome>> {
  const outcomes = new Map<string, Outcome>();
  const end = performance.now() + LONGEST_END;
  for (const { job } of accepted) {
    for (;;) {
      const outcome = await ask(port, job);
      if (outcome !== null) outcomes.set(job, outcome);
      if (outcome === "done" || outcome === "failed" || outcome === "missing" || performance.now() > end)
        break;
      await span(20);
    }
  }
  return outcomes;
}

/** null: nobody answers yet. */
async function ask(port: number, job: string): Promise<Outcome | null> {
  try {
    const answer = await fetch(`http://127.0.0.1:${port}/jobs/${job}`, {
      signal: AbortSignal.timeout(3_000),
    });
    if (answer.status === 404) return "missing";
    return answer.status === 200 ? ((await answer.json()) as { state: Outcome }).state : null;
  } catch {
    return null;
  }
}
