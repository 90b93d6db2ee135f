/**
 * Requests that nobody sends, at their times. BullMQ's job schedulers stand in a queue of their own: one word of each schedule waits
 * there for its time, and whichever front takes it makes a job as of any request. A schedule has one unfinished job at most: a time
 * that comes before the last job has ended is passed over.
 */
import { createHash, randomBytes } from "node:crypto";
import type { Job, Queue, Worker } from "bullmq";
import type { Clock, Counter, Family, Gauge, Logger, Metrics, Milliseconds, Timer } from "@outrigger/core";
import type { Backend } from "../backend/backend.ts";
import { ruleFor, type Rule } from "../config/rules-option.ts";
import type { Schedule } from "../config/schedules-option.ts";
import { wishesOf } from "../front/wishes.ts";
import type { JobStore } from "../queue/job-store.ts";
import { nextTime } from "./next-time.ts";

export interface SchedulesConfig {
  readonly schedules: readonly Schedule[];
  readonly rules: readonly Rule[];
}

export interface SchedulesOptions extends SchedulesConfig {
  readonly queue: string;
  readonly lockDuration: Milliseconds;
}

export interface SchedulesDeps {
  readonly clock: Clock;
  readonly log: Logger;
  readonly metrics: Metrics;
  readonly store: JobStore;
}

/** What waits for its time. */
interface Word {
  readonly method: string;
  readonly target: string;
  /** Random, and the same for all times of a schedule: the ids of its jobs follow from it, and nobody can tell them. */
  readonly seed: string;
}

/** As an operator is told of it. */
export interface ScheduleStanding extends Schedule {
  /** ISO 8601; in the past: it is late. */
  readonly next: string;
}

/** More than a backend is ever away for. */
const ATTEMPTS = 100_000;
const TRY_AGAIN: Milliseconds = 1_000;
/** For the words under way at the end. */
const LAST_WORDS: Milliseconds = 1_000;
const LOOK_EVERY: Milliseconds = 10_000;

/** No queue of a configuration has such a name. */
export const schedulesOf = (queue: string): string => `${queue}+schedules`;

const settings = {
  repeatStrategy: (after: number, { pattern, tz }: { pattern?: string; tz?: string }): number =>
    nextTime(after, pattern ?? "", tz ?? "UTC"),
};

export class Schedules {
  readonly #backend: Backend;
  readonly #options: SchedulesOptions;
  readonly #deps: SchedulesDeps;
  readonly #queue: Queue<Word, void>;
  readonly #times: Family<Counter, "schedule" | "outcome">;
  readonly #next: Family<Gauge, "schedule">;
  #config: SchedulesConfig;
  /** null: this process has had no schedule yet. */
  #worker: Worker<Word, void> | null = null;
  #installing: Promise<void> | null = null;
  #timer: Timer | null = null;
  readonly #ended = new AbortController();

  constructor(backend: Backend, options: SchedulesOptions, deps: SchedulesDeps) {
    this.#backend = backend;
    this.#options = options;
    this.#config = options;
    this.#deps = deps;
    const { metrics } = deps;
    this.#times = metrics.counter(
      "outrigger_queue_schedules_total",
      "Times that came: kept as a job, or overlapped (the last job had not ended)",
      ["schedule", "outcome"],
    );
    this.#next = metrics.gauge(
      "outrigger_queue_schedule_next_timestamp_seconds",
      "When it is due next, about ten seconds old",
      ["schedule"],
    );
    this.#queue = backend.openQueue<Word, void>(schedulesOf(options.queue), { settings });
    this.#queue.on("error", (error) => this.#warn(error));
  }

  /** From now on the backend has these schedules and no others; tried until it has, in the background. */
  reload(config: SchedulesConfig): void {
    this.#config = config;
    // Also the same ones: another front's may have come since, and a clock have been set.
    this.#begin();
  }

  /** Resolves before the backend has them: it does, when it is there. @throws what BullMQ does where the backend is away */
  async start(): Promise<void> {
    // One that did not come to be is not tried again, on Postgres.
    await this.#queue.waitUntilReady();
    this.#begin();
  }

  #begin(): void {
    if (this.#ended.signal.aborted) return;
    this.#installing ??= this.#install();
  }

  /** At once: words under way where the backend does not answer are another front's. */
  async end(): Promise<void> {
    this.#ended.abort();
    this.#timer?.clear();
    const tooLong = new AbortController();
    const waited = this.#deps.clock.sleep(LAST_WORDS, tooLong.signal).catch(() => {});
    await Promise.race([Promise.all([this.#installing, this.#worker?.close()]), waited]);
    tooLong.abort();
  }

  /** As the backend has them. */
  async standing(): Promise<ScheduleStanding[]> {
    const installed = await this.#queue.getJobSchedulers();
    return installed
      .map(({ key, pattern = "", tz = "UTC", template, next = 0 }) => {
        const { method = "", target = "" } = template?.data ?? {};
        return { name: key, when: pattern, zone: tz, method, target, next: new Date(next).toISOString() };
      })
      .sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  /** One at a time, until what is wanted last is there. */
  async #install(): Promise<void> {
    const { clock } = this.#deps;
    while (!this.#ended.signal.aborted) {
      const { schedules } = this.#config;
      try {
        await this.#make(schedules);
        if (schedules.length > 0) this.#worker ??= await this.#openWorker();
        if (schedules !== this.#config.schedules) continue;
        // Before anything else is waited for: what is wanted from now on begins anew.
        this.#installing = null;
        void this.#look();
        return;
      } catch (thrown) {
        if (this.#ended.signal.aborted) return;
        this.#warn(thrown as Error);
        await clock.sleep(TRY_AGAIN, this.#ended.signal).catch(() => {});
      }
    }
  }

  async #make(schedules: readonly Schedule[]): Promise<void> {
    const { log } = this.#deps;
    const installed = await this.#queue.getJobSchedulers();
    for (const { key } of installed)
      if (!schedules.some(({ name }) => name === key)) {
        await this.#queue.removeJobScheduler(key);
        this.#next.remove({ schedule: key });
        log.info({ schedule: key }, "the schedule is removed");
      }
    for (const { name, when, zone, method, target } of schedules) {
      const found = installed.find(({ key }) => key === name);
      const word = found?.template?.data;
      const isSame =
        found?.pattern === when && found.tz === zone && word?.method === method && word.target === target;
      // Made anew it would forget a time that came while nobody was there.
      if (isSame && !this.#isTooFar(found.next, when, zone)) continue;
      const seed = word?.seed ?? randomBytes(16).toString("hex");
      await this.#queue.upsertJobScheduler(
        name,
        { pattern: when, tz: zone },
        {
          name: "schedule",
          data: { method, target, seed },
          opts: { attempts: ATTEMPTS, backoff: TRY_AGAIN, removeOnComplete: true, removeOnFail: true },
        },
      );
      log.info({ schedule: name, when, zone }, "the schedule is installed");
    }
  }

  /** It was reckoned by a clock that was ahead. The one after next may be: another front's clock is ahead by a little. */
  #isTooFar(next: number | undefined, when: string, zone: string): boolean {
    const due = nextTime(this.#deps.clock.wallTime(), when, zone);
    return next !== undefined && next > nextTime(due, when, zone);
  }

  /** Tells the metrics; now and again. */
  async #look(): Promise<void> {
    this.#timer?.clear();
    try {
      for (const { name, next } of await this.standing())
        this.#next.with({ schedule: name }).value = Date.parse(next) / 1_000;
    } catch {
      // Whoever installs and keeps jobs says it.
    }
    if (this.#ended.signal.aborted || this.#config.schedules.length === 0) return;
    this.#timer?.clear();
    this.#timer = this.#deps.clock.timer(LOOK_EVERY, () => void this.#look(), { unref: true });
  }

  async #openWorker(): Promise<Worker<Word, void>> {
    const { queue, lockDuration } = this.#options;
    const worker = this.#backend.openWorker<Word, void>(schedulesOf(queue), (job) => this.#keep(job), {
      concurrency: 10,
      lockDuration,
      stalledInterval: lockDuration,
      maxStalledCount: ATTEMPTS,
      settings,
    });
    worker.on("error", (error) => this.#warn(error));
    try {
      await worker.waitUntilReady();
      return worker;
    } catch (thrown) {
      worker.close().catch(() => {});
      throw thrown;
    }
  }

  /** Makes a job of it. Done again, after this process ended in the midst of it, it is the same job. */
  async #keep({ id = "", data }: Job<Word, void>): Promise<void> {
    const { store, log } = this.#deps;
    const { method, target, seed } = data;
    // repeat:NAME:MILLISECONDS
    const [, name, at] = id.split(":") as [string, string, string];
    const scheduledFor = new Date(Number(at)).toISOString();
    const request = {
      ...{ method, target, body: "" },
      fields: [
        ["outrigger-schedule", name],
        ["outrigger-scheduled-for", scheduledFor],
      ] as const,
    };
    const wishes = wishesOf(new Map(), ruleFor(this.#config.rules, method, target));
    const deadline =
      wishes.deadline === null ? {} : { deadline: this.#deps.clock.wallTime() + wishes.deadline };
    const jobId = createHash("sha256").update(`${seed} ${at}`).digest("hex").slice(0, 32);
    const isKept = await store.addScheduled(name, jobId, { ...request, ...deadline }, wishes);
    this.#times.with({ schedule: name, outcome: isKept ? "kept" : "overlapped" }).inc();
    if (!isKept) log.warn({ schedule: name, scheduledFor }, "passed over: its last job has not ended");
  }

  #warn(error: Error): void {
    if (this.#ended.signal.aborted) return;
    this.#deps.log.warn({ err: error.message }, "the schedules are not reached");
  }
}
