/** Keeps requests as jobs, and knows what became of them. All of it fails where the backend is away, within a time. */
import { createHash } from "node:crypto";
import type { JobsOptions } from "bullmq";
import { OutriggerError, type Clock, type Metrics, type Milliseconds, type Timer } from "@outrigger/core";
import type { Bodies } from "../blobs/bodies.ts";
import type { Backend, JobQueue } from "../backend/backend.ts";
import { DeadLetters } from "../dead-letters/dead-letters.ts";
import { standingOf, type Standing } from "../job/standing.ts";
import type { StoredRequest } from "../job/stored-request.ts";
import type { Cancellations } from "./cancellations.ts";
import { emptied } from "./emptied.ts";
import { DepthWatch } from "./depth-watch.ts";

/** Jobs in a second, more than anybody does. BullMQ pauses a queue as one that has reached a greater number than its limit. */
export const NO_RATE = 1_000_000_000;

export interface JobStoreLimits {
  readonly attempts: number;
  readonly idempotencyWindow: Milliseconds;
}

export interface JobStoreOptions extends JobStoreLimits {
  readonly queue: string;
  readonly storeTimeout: Milliseconds;
}

export interface JobStoreDeps {
  readonly clock: Clock;
  readonly metrics: Metrics;
  readonly cancellations: Cancellations;
  readonly bodies: Bodies;
  /** The backend is not reached: it tries again by itself. */
  onError(error: Error): void;
  /** The depth was looked at, or a job added. */
  depthChanged(): void;
}

/** A key that its caller chose, and what it stands for. */
export interface Idempotency {
  readonly key: string;
  /** Of method, target and body. */
  readonly fingerprint: string;
}

export interface Timing {
  readonly delay: Milliseconds;
  /** 0: before all others. */
  readonly priority: number;
  /** null: as often as any. */
  readonly attempts: number | null;
}

export interface Added {
  readonly id: string;
  /** It is an earlier request's. */
  readonly isKnown: boolean;
}

export class JobStore {
  readonly #queue: JobQueue;
  readonly depth: DepthWatch;
  readonly deadLetters: DeadLetters;
  readonly bodies: Bodies;
  #limits: JobStoreLimits;
  readonly #timeout: Milliseconds;
  readonly #clock: Clock;
  readonly #cancellations: Cancellations;

  constructor(backend: Backend, options: JobStoreOptions, deps: JobStoreDeps) {
    const { clock, metrics, cancellations, bodies, onError, depthChanged } = deps;
    this.bodies = bodies;
    this.#limits = options;
    this.#timeout = options.storeTimeout;
    this.#clock = clock;
    this.#cancellations = cancellations;
    this.#queue = backend.openQueue(options.queue);
    this.#queue.on("error", onError);
    this.deadLetters = new DeadLetters(this.#queue, bodies);
    const { blobs } = bodies;
    this.depth = new DepthWatch({ queue: this.#queue, blobs, clock, metrics, onChange: depthChanged });
  }

  /** For what is asked from now on. */
  reload(limits: JobStoreLimits): void {
    this.#limits = limits;
  }

  async start(): Promise<void> {
    await this.#queue.waitUntilReady();
    await this.depth.start();
  }

  /**
   * Resolves when the job is kept, as surely as the backend keeps anything.
   * @param jobId random, 32 hexadecimal digits
   * @param timing when it may be done, and how often it is tried
   * @param idempotency a request with the key of an earlier one is that one
   * @returns the job's id, and whether it is an earlier one's
   * @throws OutriggerError `backend-away`: it may be kept all the same. `key-reused`: the earlier one was another request
   */
  async add(
    jobId: string,
    request: StoredRequest,
    timing: Timing,
    idempotency: Idempotency | null,
  ): Promise<Added> {
    const { idempotencyWindow } = this.#limits;
    const options = this.#optionsOf(jobId, timing);
    if (idempotency === null) {
      await this.#within(this.#queue.add("http", request, options));
      return { id: jobId, isKnown: false };
    }
    const { key, fingerprint } = idempotency;
    const added = await this.#within(
      this.#queue.add(
        "http",
        { ...request, fingerprint },
        { ...options, deduplication: { id: sha256(key), ttl: idempotencyWindow } },
      ),
    );
    const id = added.id as string;
    if (id === jobId) return { id, isKnown: false };
    // It was stored for a job that is not.
    await this.bodies.drop(request.body);
    const earlier = await this.#within(this.#queue.getJob(id));
    if (earlier !== undefined && earlier.data.fingerprint !== fingerprint)
      throw new OutriggerError(
        "key-reused",
        "this Idempotency-Key came before with another request: a new request needs a new key",
      );
    return { id, isKnown: true };
  }

  /**
   * Keeps a job of a schedule, unless the last one has not ended.
   * @returns false: it has not
   * @throws OutriggerError `backend-away`: it may be kept all the same
   */
  async addScheduled(
    schedule: string,
    jobId: string,
    request: StoredRequest,
    timing: Timing,
  ): Promise<boolean> {
    // No caller's key: those are hashed.
    const last = `schedule:${schedule}`;
    const options = { ...this.#optionsOf(jobId, timing), deduplication: { id: last } };
    return this.#within(
      (async () => {
        let { id } = await this.#queue.add("http", request, options);
        if (id !== jobId && !isUnfinished(await this.#queue.getJobState(id as string))) {
          // It has ended, and was not forgotten: nothing would come of this schedule any more.
          await this.#queue.removeDeduplicationKey(last);
          ({ id } = await this.#queue.add("http", request, options));
        }
        if (id === jobId) this.depth.added(timing.delay);
        return id === jobId;
      })(),
    );
  }

  /** null: there is none of that id, or none any more. @throws OutriggerError `backend-away` */
  async find(id: string): Promise<Standing | null> {
    return this.#within(
      (async () => {
        // In this order: what has ended when it is asked has its answer when it is read.
        const state = await this.#queue.getJobState(id);
        const job = await this.#queue.getJob(id);
        return job === undefined ? null : standingOf(job, state);
      })(),
    );
  }

  async has(id: string): Promise<boolean> {
    return (await this.#queue.getJob(id)) !== undefined;
  }

  /** No worker takes a job for so long, wherever; what runs goes on. A longer pause that there is stays. */
  async pause(span: Milliseconds): Promise<void> {
    const left = await this.#queue.getRateLimitTtl(NO_RATE);
    if (left < span) await this.#queue.rateLimit(Math.ceil(span));
  }

  /**
   * Takes it out of the queue; a running one is asked to end, and fails as `cancelled`.
   * @returns what became of it; `ended`: it had ended before; null: there is none of that id
   * @throws OutriggerError `backend-away`
   */
  async cancel(id: string): Promise<"removed" | "asked" | "ended" | null> {
    return this.#within(
      (async () => {
        const job = await this.#queue.getJob(id);
        if (job === undefined) return null;
        if (isEnded(await job.getState())) return "ended";
        try {
          await job.remove();
          await this.bodies.drop(job.data.body);
          return "removed";
        } catch (thrown) {
          // A worker has it.
          const state = await job.getState();
          if (isEnded(state)) return "ended";
          if (state !== "active") throw thrown;
        }
        await this.#cancellations.ask(id);
        return "asked";
      })(),
    );
  }

  /** @param horizon a job that is due within it is waited for */
  async emptied(horizon: () => Milliseconds, signal: AbortSignal): Promise<void> {
    await emptied(this.#queue, horizon, this.#clock, signal);
  }

  stop(): void {
    this.depth.stop();
  }

  #optionsOf(jobId: string, { delay, priority, attempts }: Timing): JobsOptions {
    return {
      jobId,
      attempts: attempts ?? this.#limits.attempts,
      backoff: { type: "custom" },
      stackTraceLimit: 0,
      ...(delay > 0 && { delay }),
      ...(priority > 0 && { priority }),
    };
  }

  async #within<Value>(work: Promise<Value>): Promise<Value> {
    const timeout = this.#timeout;
    let timer: Timer | undefined;
    try {
      // Of a race both would be wrapped once more, for each job.
      return await new Promise((resolve, reject) => {
        timer = this.#clock.timer(timeout, () => reject(new Error(`it did not answer within ${timeout} ms`)));
        work.then(resolve, reject);
      });
    } catch (thrown) {
      throw new OutriggerError("backend-away", `the queue's backend: ${(thrown as Error).message}`, {
        cause: thrown,
      });
    } finally {
      timer?.clear();
    }
  }
}

const isUnfinished = (state: string): boolean => !isEnded(state) && state !== "unknown";

const isEnded = (state: string): boolean => state === "completed" || state === "failed";

const sha256 = (text: string): string => createHash("sha256").update(text).digest("hex");
