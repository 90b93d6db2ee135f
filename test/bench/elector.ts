/**
 * npm run bench -- elector: containers with their default timing on each store. At rest: requests to the store and resident
 * memory. Fail-over, three candidates: from SIGTERM or kill -9 to the first 200 of another's /isLeader, which is asked each
 * 20 ms; each round begins at another moment between two renewals. The stores take their rounds at once: they wait, mostly.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { Replica, type Entry } from "./elector-replica.ts";
import type { ElectorResult, Measure } from "./elector-result.ts";
import { openStores, type BenchStore } from "./elector-stores.ts";

export interface ElectorBenchOptions extends Entry {
  readonly nodeVersion: string;
  readonly short: boolean;
  readonly say: (text: string) => void;
}

/** The defaults, which are client-go's: seconds. */
const [LEASE, RETRY] = [15, 2];
const PATIENCE = 60_000;

export async function benchElector(options: ElectorBenchOptions): Promise<ElectorResult> {
  const scratch = mkdtempSync(join(tmpdir(), "outrigger-bench-"));
  const { stores, missing } = await openStores(scratch);
  const fields = stores.map((store) => new Field(store, options));
  for (const why of missing) options.say(`MISSING: ${why}\n`);
  try {
    // One after the other: a start is measured alone.
    for (const field of fields) await field.start();
    await Promise.all(fields.map((field) => field.run()));
    return {
      bench: "elector",
      node: options.nodeVersion,
      missing,
      stores: fields.map(({ name, measures }) => ({ store: name, measures })),
    };
  } finally {
    await Promise.all(fields.map((field) => field.end()));
    await Promise.all(stores.map((store) => store.close()));
    rmSync(scratch, { recursive: true, force: true });
  }
}

class Field {
  readonly name: string;
  readonly measures: Measure[] = [];
  readonly #store: BenchStore;
  readonly #options: ElectorBenchOptions;
  #replicas: Replica[] = [];
  #started = 0;
  #ready: number[] = [];

  constructor(store: BenchStore, options: ElectorBenchOptions) {
    this.name = store.name;
    this.#store = store;
    this.#options = options;
  }

  async start(): Promise<void> {
    for (let count = 0; count < 3; count++) await this.#add();
    const [title, must] = ["ready after exec", 300];
    this.#keep({ title, unit: "ms", values: [...this.#ready], must, judged: "median", aim: 120 });
  }

  async run(): Promise<void> {
    const { short } = this.#options;
    await this.#rest(short ? 20 : 60);
    const graceful: number[] = [];
    for (let round = 0; round < (short ? 3 : 8); round++)
      graceful.push(await this.#failOver("SIGTERM", round));
    this.#keep({
      title: "fail-over after SIGTERM",
      unit: "s",
      values: graceful,
      must: 1.5 * RETRY,
      judged: "max",
    });
    const crash: number[] = [];
    for (let round = 0; round < (short ? 1 : 6); round++) crash.push(await this.#failOver("SIGKILL", round));
    this.#keep({
      title: "fail-over after kill -9",
      unit: "s",
      values: crash,
      must: LEASE + RETRY,
      judged: "max",
    });
  }

  async end(): Promise<void> {
    await Promise.all(this.#replicas.map(({ program }) => program.end()));
  }

  /** Nothing happens: who leads renews, the others look. */
  async #rest(seconds: number): Promise<void> {
    const leader = await this.#leader(this.#replicas);
    const before = await Promise.all(this.#replicas.map((replica) => replica.requests()));
    const began = performance.now();
    await sleep(seconds * 1_000);
    const after = await Promise.all(this.#replicas.map((replica) => replica.requests()));
    const minutes = (performance.now() - began) / 60_000;
    for (const [role, isOf] of [
      ["leader", (replica: Replica) => replica === leader],
      ["standby", (replica: Replica) => replica !== leader],
    ] as const) {
      const of = this.#replicas.flatMap((replica, index) => (isOf(replica) ? [index] : []));
      const calls = of.map((index) => ((after[index] as number) - (before[index] as number)) / minutes);
      const memory = of.map((index) => (this.#replicas[index] as Replica).program.residentBytes() / 1e6);
      this.#keep({
        title: `requests at rest, ${role}`,
        unit: "a minute",
        values: calls.map(Math.round),
        must: 30,
        judged: "max",
      });
      this.#keep({
        title: `resident memory at rest, ${role}`,
        unit: "MB",
        values: memory,
        must: 75,
        judged: "max",
        aim: 55,
      });
    }
  }

  /** @returns seconds until another one leads; that who was ended has been replaced by then */
  async #failOver(signal: "SIGTERM" | "SIGKILL", round: number): Promise<number> {
    const leader = await this.#leader(this.#replicas);
    const others = this.#replicas.filter((replica) => replica !== leader);
    for (const other of others) await this.#seen(other, leader);
    // Spread over the time between two renewals.
    await sleep(RETRY * 1_000 * ((round * 0.618) % 1));
    const began = performance.now();
    leader.program.kill(signal);
    await this.#leader(others);
    const seconds = (performance.now() - began) / 1_000;
    this.#options.say(`  ${this.name} ${signal}: ${seconds.toFixed(2)} s\n`);
    await leader.program.exited;
    this.#replicas = others;
    await this.#add();
    return seconds;
  }

  async #add(): Promise<void> {
    const args = ["--election", "bench", "--store", this.#store.address];
    const id = `${this.name.toLowerCase()}-${++this.#started}`;
    const { replica, readyAfter } = await Replica.start(this.#options, id, args, this.#store.env);
    this.#replicas.push(replica);
    this.#ready.push(readyAfter);
  }

  /** The one of them that leads, as soon as one does. */
  async #leader(replicas: readonly Replica[]): Promise<Replica> {
    for (const end = performance.now() + PATIENCE; performance.now() < end; await sleep(20)) {
      const answers = await Promise.all(replicas.map((replica) => replica.leads()));
      const leader = replicas[answers.indexOf(true)];
      if (leader !== undefined) return leader;
    }
    throw new Error(`${this.name}: nobody leads after ${PATIENCE} ms`);
  }

  async #seen(replica: Replica, leader: Replica): Promise<void> {
    for (const end = performance.now() + PATIENCE; performance.now() < end; await sleep(50))
      if ((await replica.leader()) === leader.id) return;
    throw new Error(`${replica.id} never saw ${leader.id} lead`);
  }

  #keep(measure: Measure): void {
    this.measures.push(measure);
  }
}
