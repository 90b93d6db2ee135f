/** The contenders for one lease: processes that are stopped, killed, told to end, and started again under their names. */
import { closeSync, mkdtempSync, openSync, readSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { freePort } from "@outrigger/core/testing";
import { until } from "../../support/polling.ts";
import { Program } from "../../support/program.ts";
import { parseJournal, type Entry } from "./ledger.ts";
import { Resource } from "./resource.ts";
import { ELECTION, TIMING } from "./timing.ts";

const beside = (name: string): string =>
  fileURLToPath(new URL(`./${name}${import.meta.url.slice(-3)}`, import.meta.url));

/** Seen from test/dist/chaos/elector. */
const BIN = fileURLToPath(
  new URL("../../../../packages/leader-elector/bin/outrigger-leader-elector.js", import.meta.url),
);

/** What contends: the library's candidate, one with a mistake (see contender.ts), or the container with a child. */
export type Kind = "candidate" | "mistaken" | "container";

export class Contender {
  readonly id: string;
  readonly journal: string;
  paused = false;
  readonly #launch: () => Promise<Program>;
  #program: Program | null = null;
  #file: number | null = null;
  #offset = 0;
  readonly #buffer = Buffer.alloc(65_536);
  readonly #entries: Entry[] = [];

  /** @param launch resolves when it takes part */
  constructor(id: string, journal: string, launch: () => Promise<Program>) {
    this.id = id;
    this.journal = journal;
    this.#launch = launch;
  }

  get alive(): boolean {
    return this.#program?.alive === true;
  }

  /** All that it has written so far, over all of its lives; read on from where the last reading ended. */
  get entries(): readonly Entry[] {
    this.#file ??= openSync(this.journal, "a+");
    for (;;) {
      const read = readSync(this.#file, this.#buffer, 0, this.#buffer.length, this.#offset);
      if (read === 0) return this.#entries;
      const whole = this.#buffer.lastIndexOf(10, read - 1) + 1;
      if (whole === 0) return this.#entries;
      this.#offset += whole;
      this.#entries.push(...parseJournal(this.#buffer.toString("latin1", 0, whole)));
    }
  }

  async start(): Promise<void> {
    this.paused = false;
    this.#program = await this.#launch();
  }

  pause(): void {
    this.paused = true;
    this.#program?.kill("SIGSTOP");
  }

  resume(): void {
    this.paused = false;
    this.#program?.kill("SIGCONT");
  }

  /** kill -9, and it is gone. */
  async kill(): Promise<void> {
    await this.#program?.end();
  }

  /** It gives back what it holds, and has ended by itself. */
  async terminate(): Promise<void> {
    this.#program?.kill("SIGTERM");
    await this.#program?.exited;
  }

  async end(): Promise<void> {
    await this.kill();
    if (this.#file !== null) closeSync(this.#file);
  }

  /** Runs and is not paused after this, whatever it was. */
  async mend(): Promise<void> {
    if (!this.alive) await this.start();
    else if (this.paused) this.resume();
  }
}

export class Field {
  readonly contenders: readonly Contender[];
  readonly resource: Resource;
  readonly folder: string;

  private constructor(folder: string, resource: Resource, contenders: readonly Contender[]) {
    this.folder = folder;
    this.resource = resource;
    this.contenders = contenders;
  }

  /** @param store given the folder: `file:DIR`, or a Redis's URL */
  static async start(count: number, store: (folder: string) => string, kind: Kind): Promise<Field> {
    const folder = mkdtempSync(join(tmpdir(), "outrigger-field-"));
    const resource = await Resource.listen(join(folder, "resource.sock"));
    const contenders = Array.from({ length: count }, (_, index) => {
      const id = `c${index + 1}`;
      const journal = join(folder, `${id}.journal`);
      const place = { id, journal, store: store(folder), resource: resource.path };
      return new Contender(id, journal, () =>
        kind === "container" ? launchContainer(place) : launchCandidate(place, kind),
      );
    });
    const field = new Field(folder, resource, contenders);
    await Promise.all(contenders.map((contender) => contender.start()));
    return field;
  }

  get journals(): Map<string, readonly Entry[]> {
    return new Map(this.contenders.map((contender) => [contender.id, contender.entries]));
  }

  /** Who was the last to believe after that time (nanoseconds of CLOCK_MONOTONIC), and since when; null: nobody but `but`. */
  leaderSince(after: bigint, but: Contender | null = null): Lead | null {
    return this.contenders
      .filter((contender) => contender !== but)
      .map((contender) => leadSince(contender, after))
      .reduce((one, other) => ((other?.last ?? -1n) > (one?.last ?? -1n) ? other : one), null);
  }

  async end(): Promise<void> {
    await Promise.all(this.contenders.map((contender) => contender.end()));
    await this.resource.close();
    rmSync(this.folder, { recursive: true, force: true });
  }
}

export interface Lead {
  readonly contender: Contender;
  /** When it was first asked after that time and did lead, and when last. */
  readonly from: bigint;
  readonly last: bigint;
}

function leadSince(contender: Contender, after: bigint): Lead | null {
  const { entries } = contender;
  const believed: bigint[] = [];
  for (let index = entries.length - 1; index >= 0; index--) {
    const { kind, from } = entries[index] as Entry;
    if (from <= after) break;
    if (kind === "believed") believed.push(from);
  }
  const [last, first = last] = [believed[0], believed.at(-1)];
  return last === undefined || first === undefined ? null : { contender, from: first, last };
}

interface Place {
  readonly id: string;
  readonly journal: string;
  readonly store: string;
  readonly resource: string;
}

async function launchCandidate({ id, journal, store, resource }: Place, kind: Kind): Promise<Program> {
  const mistake = kind === "mistaken" ? ["cached"] : [];
  const program = Program.node(id, beside("contender"), [store, id, journal, resource, ...mistake]);
  await program.receive();
  return program;
}

async function launchContainer({ id, journal, store, resource }: Place): Promise<Program> {
  const [http, probe] = [await freePort(), await freePort()];
  const program = Program.node(id, BIN, [
    ...["--election", ELECTION, "--id", id, "--store", store],
    ...["--lease-duration", `${TIMING.leaseDuration}ms`, "--renew-deadline", `${TIMING.renewDeadline}ms`],
    ...[
      "--retry-period",
      `${TIMING.retryPeriod}ms`,
      "--http",
      `${http}`,
      "--probe",
      `${probe}`,
      "--control",
      "off",
    ],
    ...["--child", `${process.execPath} ${beside("worker")} ${journal} ${resource}`, "--log-level", "warn"],
  ]);
  const answers = (): Promise<boolean> =>
    fetch(`http://127.0.0.1:${http}/`).then(
      () => true,
      () => false,
    );
  await until(`${id} answers`, async () => {
    if (!program.alive) throw new Error(`${id} ended and said:\n${program.output}`);
    return answers();
  });
  return program;
}
