/** The processes of the queue's chaos: each started, killed, stopped, and started again as it was. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { PostgresServer, RedisServer } from "@outrigger/core/testing";
import { until } from "../../support/polling.ts";
import { Program } from "../../support/program.ts";
import type { Evidence, Fault, Struck } from "./judge.ts";

const BIN = fileURLToPath(
  new URL("../../../../packages/work-queue/bin/outrigger-work-queue.js", import.meta.url),
);
const WORKLOAD = fileURLToPath(new URL(`./workload${import.meta.url.slice(-3)}`, import.meta.url));

/** lockDuration, in milliseconds. */
export const LOCK = 2_000;
/** Jobs that a worker has in hand. */
const CONCURRENCY = 8;
const LONGEST_BACKOFF = 500;

/** Milliseconds. */
const PATIENCE = {
  // A job whose worker ended: its lock, which the other worker may have looked for just before, twice.
  stalled: 3 * LOCK,
  backoff: LONGEST_BACKOFF,
  // A worker looks for its workload each second, and waits two for an answer.
  ready: 3_000,
  // Pauses of a client that dials its backend.
  reconnect: 2_000,
  // The workload's longest, and what a busy machine makes of all this.
  work: 400,
  busy: 1_000,
};

/** @param workers how many */
export const judgedBy = (
  workers: number,
): Pick<Evidence, "workers" | "concurrency" | "lock" | "patience"> => ({
  ...{ workers, concurrency: CONCURRENCY, lock: LOCK * 1e6 },
  patience: Object.values(PATIENCE).reduce((sum, part) => sum + part, 0) * 1e6,
});

export type BackendKind = "redis" | "postgres" | "embedded";

export interface Running {
  readonly program: { kill(signal: NodeJS.Signals): void };
  hasEnded(): boolean;
  /** What it said last, of one of ours. */
  lastWords?(): string;
  crash(): Promise<void>;
}

/** One process that is killed and stopped, and started again as it was. */
export class Actor {
  readonly name: string;
  readonly who: Struck;
  /** Of lives that nobody ended. */
  readonly ends: string[] = [];
  readonly #launch: () => Promise<Running>;
  #running: Running | null = null;
  #fault: Omit<Fault, "to"> | null = null;
  readonly #faults: Fault[];

  constructor(name: string, who: Struck, faults: Fault[], launch: () => Promise<Running>) {
    this.name = name;
    this.who = who;
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
    this.#look();
    this.#fault = { what: `kill -9 of ${this.name}`, who: this.who, how: "killed", from: now() };
    const running = this.#running;
    this.#running = null;
    await running?.crash();
  }

  pause(): void {
    this.#look();
    this.#fault = { what: `SIGSTOP of ${this.name}`, who: this.who, how: "stopped", from: now() };
    this.#running?.program.kill("SIGSTOP");
  }

  async mend(): Promise<void> {
    if (this.#fault === null) return;
    this.#look();
    if (this.#running === null) await this.start();
    else this.#running.program.kill("SIGCONT");
    this.#faults.push({ ...this.#fault, to: now() });
    this.#fault = null;
  }

  /** It is left as it is: one that has ended is not started again. */
  async end(): Promise<void> {
    this.#look();
    await this.#running?.crash();
    this.#running = null;
  }

  #look(): void {
    if (this.#running?.hasEnded() !== true) return;
    const said = this.#running.lastWords?.() ?? "";
    this.ends.push(`${this.name} ended, and nobody had ended it${said && `: ${said}`}`);
    this.#running = null;
  }
}

export const isGone = (pid: number): boolean => !existsSync(`/proc/${pid}`);

export const now = (): number => Number(process.hrtime.bigint());

export async function openBackend(
  kind: BackendKind,
  folder: string,
  faults: Fault[],
  ends: (() => Promise<void>)[],
): Promise<{ address: string; actor: Actor | null }> {
  if (kind === "embedded") return { address: `embedded:${join(folder, "queue")}`, actor: null };
  const server = await startServer(kind);
  ends.push(async () => {
    server.kill("SIGCONT");
    await server.end();
  });
  let isFirst = true;
  const actor = new Actor(kind, "backend", faults, async () => {
    if (!isFirst) await server.startAgain();
    isFirst = false;
    return { program: server, hasEnded: () => isGone(server.pid), crash: () => server.crash() };
  });
  return { address: server.url, actor };
}

export const startServer = (kind: "redis" | "postgres"): Promise<RedisServer | PostgresServer> =>
  kind === "redis"
    ? // By default one that is killed may lack what it has acknowledged, where its disk is busy.
      RedisServer.start(["--appendonly", "yes", "--appendfsync", "always"])
    : PostgresServer.start();

/** Of a folder. Who makes a database there outlives its parent for a moment. */
export const REMOVE = { recursive: true, force: true, maxRetries: 20, retryDelay: 250 } as const;

export interface Address {
  /** Of the backend. */
  readonly address: string;
  readonly listen: number;
  readonly probe: number;
  readonly workloadPort: number;
  readonly blobs?: string;
}

export async function launch(
  role: string,
  at: Address,
  /** Node's own, of its command line. */
  node: readonly string[] = [],
): Promise<Running & { readonly program: Program }> {
  const [first, ...rest] = [
    ...[...node, BIN, "--role", role, "--backend", at.address, "--listen", `127.0.0.1:${at.listen}`],
    ...["--workload", `http://127.0.0.1:${at.workloadPort}`, "--probe", `127.0.0.1:${at.probe}`],
    ...(at.blobs === undefined ? [] : ["--blobs", at.blobs]),
    ...[
      "--control",
      "off",
      "--log-level",
      "error",
      "--attempts",
      "100",
      "--concurrency",
      String(CONCURRENCY),
    ],
    ...[
      "--backoff",
      "50ms",
      "--max-backoff",
      `${LONGEST_BACKOFF}ms`,
      "--lock-duration",
      `${LOCK}ms`,
      "--store-timeout",
      "1s",
    ],
  ];
  const program = Program.node(role, first as string, rest);
  // Ready, or told what it waits for: it is not asked to be well while its backend is not.
  const port = role === "worker" ? at.probe : at.listen;
  await until(`${role} answers`, () => !program.alive || answers(port), 60_000);
  return {
    ...{ program, hasEnded: () => !program.alive, crash: () => program.end() },
    lastWords: () => program.output.slice(-2_000),
  };
}

const answers = (port: number): Promise<boolean> =>
  fetch(`http://127.0.0.1:${port}/livez`, { signal: AbortSignal.timeout(1_000) }).then(
    () => true,
    () => false,
  );

export async function startWorkload(port: number, journal: string): Promise<Running> {
  const program = Program.node("workload", WORKLOAD, [String(port), journal]);
  await program.receive();
  return { program, hasEnded: () => !program.alive, crash: () => program.end() };
}
