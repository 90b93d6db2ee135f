/**
 * How many jobs there are in which state, and how old the oldest is. Asked for in the background, so that neither a request nor
 * a scrape waits for the backend: what it says may be a look old.
 */
import type { Bytes, Clock, Gauge, Metrics, Milliseconds, Timer } from "@outrigger/core";
import type { BlobStore } from "../blobs/blob-store.ts";
import type { JobQueue } from "../backend/backend.ts";

export interface Depth {
  /** Ready to be taken. */
  readonly waiting: number;
  /** Waiting for their time: between attempts. */
  readonly delayed: number;
  /** Of these, whose time has come, or does before the next look. Where no worker is, nobody moves them to those that wait. */
  readonly due: number;
  readonly running: number;
  /** Given up. */
  readonly failed: number;
  /** Of those that wait, how long the oldest has been there; 0: there is none. */
  readonly oldest: Milliseconds;
}

export interface DepthWatchDeps {
  readonly queue: JobQueue;
  readonly blobs: BlobStore;
  readonly clock: Clock;
  readonly metrics: Metrics;
  /** Something was looked at, or added. */
  onChange?(): void;
}

const LOOK_EVERY: Milliseconds = 1_000;
/** An answer older than this says nothing of now: the backend is away, or does not answer. */
const FRESH: Milliseconds = 5_000;
/** Looks between two at the blobs, which take longer. */
const BLOBS_EVERY = 10;
const STATES = ["waiting", "delayed", "running", "failed"] as const;

export class DepthWatch {
  readonly #deps: DepthWatchDeps;
  readonly #gauges: Readonly<Record<(typeof STATES)[number], Gauge>>;
  readonly #oldest: Gauge;
  readonly #known: Gauge;
  readonly #blobBytes: Gauge;
  readonly #unhook: () => void;
  #depth: Depth | null = null;
  #lookedAt: Milliseconds = 0;
  #addedSince = 0;
  /** Of those, what can be begun now. */
  #toDoSince = 0;
  #bytes: Bytes = 0;
  #looks = 0;
  #timer: Timer | null = null;
  #stopped = false;

  constructor(deps: DepthWatchDeps) {
    this.#deps = deps;
    const { metrics } = deps;
    const jobs = metrics.gauge("outrigger_queue_jobs", "Jobs by state, at the last look", ["state"]);
    this.#gauges = Object.fromEntries(STATES.map((state) => [state, jobs.with({ state })])) as never;
    this.#oldest = metrics
      .gauge(
        "outrigger_queue_oldest_seconds",
        "How long the oldest of the waiting jobs has been there, of those without a priority",
      )
      .with({});
    this.#known = metrics
      .gauge("outrigger_queue_reached", "1: the backend answered the last look; 0: the figures are older")
      .with({});
    // A look that is not answered does not end.
    this.#unhook = metrics.beforeExpose(() => {
      if (deps.clock.now() - this.#lookedAt > FRESH) this.#known.value = 0;
    });
    this.#blobBytes = metrics
      .gauge("outrigger_queue_blob_bytes", "Of bodies that are too large to be in their jobs")
      .with({});
  }

  /** Resolves after the first look, whatever came of it. */
  async start(): Promise<void> {
    await this.#look();
    if (!this.#stopped)
      this.#timer = this.#deps.clock.timer(LOOK_EVERY, () => void this.#lookAgain(), { unref: true });
  }

  stop(): void {
    this.#stopped = true;
    this.#timer?.clear();
    this.#unhook();
  }

  /** null: the backend has not said yet. */
  get depth(): Depth | null {
    return this.#depth;
  }

  /** Jobs that are not done: those of the last look, and what this process has added since. */
  get unfinished(): number {
    if (this.#depth === null) return this.#addedSince;
    const { waiting, delayed, running } = this.#depth;
    return waiting + delayed + running + this.#addedSince;
  }

  /**
   * Jobs that a worker would have something to do with now: those that wait, run or are due, and what this process has added
   * since. null: the backend has not said lately.
   */
  get toDo(): number | null {
    if (this.#depth === null || this.#deps.clock.now() - this.#lookedAt > FRESH) return null;
    const { waiting, due, running } = this.#depth;
    return waiting + due + running + this.#toDoSince;
  }

  /** Of large bodies, all together: at the last look at them, and what this process has added since. */
  get bytes(): Bytes {
    return this.#bytes;
  }

  /** @param delay it is not begun before */
  added(delay: Milliseconds = 0): void {
    this.#addedSince++;
    if (delay > 0) return;
    this.#toDoSince++;
    this.#deps.onChange?.();
  }

  addedBytes(bytes: Bytes): void {
    this.#bytes += bytes;
  }

  async #lookAgain(): Promise<void> {
    await this.#look();
    if (!this.#stopped) this.#timer?.refresh();
  }

  async #look(): Promise<void> {
    const { queue, blobs, clock } = this.#deps;
    const before = this.#addedSince;
    const toDoBefore = this.#toDoSince;
    try {
      const counts = await queue.getJobCounts("waiting", "prioritized", "delayed", "active", "failed");
      const last = (counts["waiting"] ?? 0) - 1;
      // Newest first: on Postgres BullMQ slices so whatever it is asked for.
      const [oldest] = last < 0 ? [] : await queue.getJobs(["waiting"], last, last);
      const of = (state: string): number => counts[state] ?? 0;
      // Strictly before the time that is given. Counted by the backend's index, however many there are.
      const due = of("delayed") === 0 ? 0 : await queue.getDelayedCount(clock.wallTime() + LOOK_EVERY + 1);
      this.#depth = {
        waiting: of("waiting") + of("prioritized"),
        delayed: of("delayed"),
        due,
        running: of("active"),
        failed: of("failed"),
        oldest: oldest === undefined ? 0 : Math.max(0, clock.wallTime() - oldest.timestamp),
      };
      // What was added while it was being asked for may be counted twice until the next look.
      this.#addedSince -= before;
      this.#toDoSince -= toDoBefore;
      this.#lookedAt = clock.now();
      for (const state of STATES) this.#gauges[state].value = this.#depth[state];
      this.#deps.onChange?.();
      if (this.#looks++ % BLOBS_EVERY === 0) this.#blobBytes.value = this.#bytes = await blobs.bytes();
      this.#oldest.value = this.#depth.oldest / 1_000;
      this.#known.value = 1;
    } catch {
      // Whoever adds jobs hears of it, and says so.
      this.#known.value = 0;
    }
  }
}
