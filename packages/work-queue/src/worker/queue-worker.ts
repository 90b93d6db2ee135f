/** Takes jobs from the queue and gives them to the workload, so many at once, until each is done or given up. */
import { randomBytes } from "node:crypto";
import { Job, WaitingError, type KeepJobs, type RateLimiterOptions } from "bullmq";
import {
  formatDuration,
  OutriggerError,
  type Clock,
  type Logger,
  type Metrics,
  type Milliseconds,
} from "@outrigger/core";
import type { Outcome } from "@outrigger/upstream";
import type { Backend, JobWorker } from "../backend/backend.ts";
import { RETRY_DELAY } from "../backend/patient-worker.ts";
import type { WorkQueueConfig } from "../config/config.ts";
import type { LiveConfig } from "../config/live.ts";
import type { Bodies } from "../blobs/bodies.ts";
import type { Answer } from "../job/answer.ts";
import type { StoredBody } from "../job/body.ts";
import { parseFailure, type Failure } from "../job/failure.ts";
import type { Standing } from "../job/standing.ts";
import type { StoredRequest } from "../job/stored-request.ts";
import type { Cancellations } from "../queue/cancellations.ts";
import { NO_RATE } from "../queue/job-store.ts";
import { FailedAttempt, HandedBack, Refused } from "./attempt-ends.ts";
import { pauseAfter } from "./backoff.ts";
import { Concurrency } from "./concurrency.ts";
import type { Contract } from "./contract.ts";
import { Readiness } from "./readiness.ts";
import { retryAfter } from "./retry-after.ts";
import { verdictOn } from "./verdict.ts";
import { WorkerMetrics } from "./worker-metrics.ts";

export interface QueueWorkerDeps {
  readonly clock: Clock;
  readonly log: Logger;
  readonly random: () => number;
  readonly metrics: Metrics;
  readonly cancellations: Cancellations;
  readonly bodies: Bodies;
  /** Ends with the worker. */
  readonly contract: Contract;
  /** Nobody takes a job of this queue for so long, wherever. */
  pauseQueue(span: Milliseconds): Promise<void>;
  /** A job is about to end as this says; it does once this resolves. @throws where it shall not end now */
  ending?(standing: Standing): Promise<void>;
}

/** A worker that ended takes nothing with it: so many may, before a job is held to be what ends them. */
const MAX_STALLED = 10;
/** For the jobs that are handed back at the end. */
const LAST_WORDS: Milliseconds = 2_000;

interface Limited {
  /** null: it has ended. V8 keeps what was in a Map alive for longer than it is there, with all that refers to it. */
  limit: AbortController | null;
}

export class QueueWorker {
  #config: LiveConfig;
  readonly #deps: QueueWorkerDeps;
  readonly #readiness: Readiness;
  readonly #worker: JobWorker;
  readonly #metrics: WorkerMetrics;
  readonly #concurrency: Concurrency;
  #closing: Promise<void> | null = null;
  /** Nothing is begun any more. */
  #isCut = false;
  /** Attempts under way, by their jobs. */
  readonly #attempts = new Map<string, Limited>();

  constructor(backend: Backend, config: WorkQueueConfig, deps: QueueWorkerDeps) {
    this.#config = config;
    this.#deps = deps;
    this.#metrics = new WorkerMetrics(deps.metrics);
    this.#concurrency = new Concurrency(config, deps.clock);
    this.#metrics.concurrency.value = this.#concurrency.limit;
    this.#worker = backend.openWorker(config.queue, (job, token) => this.#run(job, token as string), {
      // The workload may not be ready.
      autorun: false,
      concurrency: this.#concurrency.limit,
      limiter: limiterOf(config),
      lockDuration: config.lockDuration,
      stalledInterval: config.lockDuration,
      maxStalledCount: MAX_STALLED,
      removeOnComplete: keptOf(config),
      settings: {
        backoffStrategy: (attempt) =>
          pauseAfter(attempt, this.#config.backoff, this.#config.maxBackoff, deps.random),
      },
    });
    // A subclass of BullMQ's worker would say it; but this one is made by whoever knows the backend.
    Object.defineProperty(this.#worker, "Job", { value: EndsByOursAlone });
    deps.cancellations.onAsked((id) =>
      this.#attempts.get(id)?.limit?.abort(new OutriggerError("cancelled", "its caller cancelled it")),
    );
    this.#readiness = new Readiness(config.ready, {
      look: (path, signal) => deps.contract.look(path, signal),
      clock: deps.clock,
      onChange: (isReady, why) => this.#goOn(isReady, why),
    });
    this.#worker.on("completed", (job) => {
      void deps.bodies.drop(job.data.body);
      deps.contract.ended?.(job.id as string);
      // V8 keeps what was in a Set alive for longer than it is there, and BullMQ's loop has each job in one.
      Object.assign(job, { data: null, returnvalue: null });
    });
    this.#worker.on("failed", (job) => {
      if (job?.finishedOn) deps.contract.ended?.(job.id as string);
    });
    if (deps.ending) this.#worker.on("failed", (job, error) => this.#givenUp(job, error));
    this.#worker.on("error", (error) => deps.log.warn({ err: error.message }, "the queue is not reached"));
  }

  get running(): number {
    return this.#metrics.running.value;
  }

  /** For attempts that begin from now on. */
  reload(config: LiveConfig): void {
    this.#config = config;
    // BullMQ reads them with each job that it takes or ends.
    this.#worker.opts.limiter = limiterOf(config);
    this.#worker.opts.removeOnComplete = keptOf(config);
    this.#concurrency.reload(config);
    this.#worker.concurrency = this.#metrics.concurrency.value = this.#concurrency.limit;
    if (this.#readiness.isReady && this.#closing === null) {
      // Else it would see that more may run when one of those that do has ended.
      void this.#worker.pause(true);
      void this.#worker.resume();
    }
    this.#readiness.reload(config.ready);
  }

  /** Jobs are taken as soon as the workload is ready. */
  async start(): Promise<void> {
    await this.#worker.waitUntilReady();
    await this.#readiness.start();
  }

  /**
   * Takes no further job; resolves when those that run have ended. When `cut` aborts they go back into the queue, and are
   * another worker's at once; where the backend does not take them back, after lockDuration.
   */
  async end(cut: AbortSignal): Promise<void> {
    this.#readiness.stop();
    this.#closing ??= this.#worker.close();
    const cutOff = new Promise<void>((resolve) => {
      const onCut = (): void => {
        this.#isCut = true;
        for (const { limit } of this.#attempts.values())
          limit?.abort(new OutriggerError("worker-ends", "this worker ends"));
        this.#deps.clock.timer(LAST_WORDS, () => resolve(), { unref: true });
      };
      if (cut.aborted) onCut();
      else cut.addEventListener("abort", onCut, { once: true });
    });
    await Promise.race([this.#closing, cutOff]);
    await this.#deps.contract.end();
  }

  #goOn(isReady: boolean, why: string): void {
    const { log } = this.#deps;
    this.#metrics.workloadReady.value = Number(isReady);
    if (this.#closing !== null) return;
    if (!isReady) {
      log.warn({ err: why }, "the workload is not ready: no job is taken until it is");
      // It waits for nothing: those that run go on.
      void this.#worker.pause(true);
      return;
    }
    log.info({}, "the workload is ready");
    void this.#worker.resume();
    // Where its loop was just about to end, BullMQ takes it to be running: then it is begun again.
    setImmediate(() => {
      if (this.#closing === null && !this.#worker.isRunning() && !this.#worker.isPaused())
        this.#worker.run().catch((thrown: Error) => log.error({ err: thrown.message }, "no jobs are taken"));
    });
  }

  async #run(job: Job<StoredRequest, Answer>, token: string): Promise<Answer> {
    const { clock } = this.#deps;
    const metrics = this.#metrics;
    if (!this.#readiness.isReady || this.#isCut) {
      // BullMQ takes one more after it was paused, or told to close.
      return this.#handBack(job, token, 0);
    }
    metrics.running.value++;
    if (job.attemptsStarted === 1)
      metrics.wait.observe(Math.max(0, clock.wallTime() - job.timestamp) / 1_000);
    const began = clock.now();
    let outcome: Outcome = "success";
    try {
      const answer = await this.#attemptAndTell(job);
      metrics.attempted("done");
      return answer;
    } catch (thrown) {
      if (thrown instanceof HandedBack) {
        outcome = "cancelled";
        return await this.#handBack(job, token, thrown.pause);
      }
      metrics.attempted(thrown instanceof Refused ? "refused" : "again");
      if (thrown instanceof FailedAttempt) ({ outcome } = thrown);
      throw thrown;
    } finally {
      const took = clock.now() - began;
      metrics.run.observe(took / 1_000);
      this.#concurrency.attempted(outcome, took, metrics.running.value);
      metrics.running.value--;
      this.#worker.concurrency = metrics.concurrency.value = this.#concurrency.limit;
    }
  }

  /** Where the backend does not hear of it, it is another worker's when its lock ends. @throws WaitingError */
  async #handBack(job: Job<StoredRequest, Answer>, token: string, pause: Milliseconds): Promise<never> {
    const { clock, log } = this.#deps;
    try {
      if (pause > 0) await job.moveToDelayed(clock.wallTime() + pause, token);
      else await job.moveToWait(token);
    } catch (thrown) {
      log.warn(
        { job: job.id, err: (thrown as Error).message },
        "a job is not handed back: its lock has to end",
      );
    }
    throw new WaitingError();
  }

  /** An attempt; where it is the last, whoever is told of ends hears of it first. @throws FailedAttempt, Refused, HandedBack */
  async #attemptAndTell(job: Job<StoredRequest, Answer>): Promise<Answer> {
    let answer: Answer;
    try {
      answer = await this.#attempt(job);
    } catch (thrown) {
      if (thrown instanceof Refused || (thrown instanceof FailedAttempt && isLast(job)))
        await this.#tell(job, "failed", parseFailure(thrown.message));
      throw thrown;
    }
    if (this.#deps.ending) await this.#tell(job, "done", null, answer);
    return answer;
  }

  /** @throws HandedBack */
  async #tell(
    job: Job<StoredRequest, Answer>,
    state: "done" | "failed",
    failure: Failure | null,
    answer = failure?.answer ?? null,
  ): Promise<void> {
    try {
      await this.#deps.ending?.({
        ...{ id: job.id as string, attempts: job.attemptsStarted },
        ...{ state, answer, failure },
      });
    } catch (thrown) {
      throw new HandedBack((thrown as Error).message, { cause: thrown });
    }
  }

  /** Of a job that BullMQ itself gave up: it has ended already. */
  #givenUp(job: Job<StoredRequest, Answer> | undefined, error: Error): void {
    const isOurs = error instanceof FailedAttempt || error instanceof Refused;
    if (job === undefined || isOurs || !job.finishedOn) return;
    this.#tell(job, "failed", parseFailure(error.message)).catch((thrown: Error) =>
      this.#deps.log.error({ job: job.id, err: thrown.message }, "nobody is told that a job was given up"),
    );
  }

  /** @throws FailedAttempt, Refused, HandedBack */
  async #attempt(job: Job<StoredRequest, Answer>): Promise<Answer> {
    const { clock } = this.#deps;
    const { timeout, maxAnswer } = this.#config;
    const id = job.id as string;
    const { deadline = Infinity } = job.data;
    const left = deadline - clock.wallTime();
    if (left <= 0)
      throw new Refused({ reason: "deadline", message: "its deadline passed before this attempt began" });
    const limit = new AbortController();
    const attempt: Limited = { limit };
    this.#attempts.set(id, attempt);
    const timer = clock.timer(Math.min(timeout, left), () =>
      limit.abort(
        timeout <= left
          ? new OutriggerError("timeout", `no whole answer within ${timeout} ms`)
          : new OutriggerError("deadline", "its deadline passed while the workload did it"),
      ),
    );
    let answer: Answer;
    try {
      answer = await this.#deps.contract.attempt(
        {
          ...{ id, number: job.attemptsStarted, isLast: isLast(job), request: job.data, maxAnswer },
          keepBody: (status, pieces) => this.#keepAnswer(job, status, pieces),
        },
        limit.signal,
      );
    } catch (thrown) {
      const { code, message } = OutriggerError.from(thrown);
      if (code === "answer-too-large" || code === "blob-not-kept" || code === "bad-output")
        throw new Refused({ reason: "answer", message }, { cause: thrown });
      if (code === "no-such-blob") throw new Refused({ reason: "unreadable", message }, { cause: thrown });
      if (code === "blob-not-read" || code === "input-not-written" || code === "output-not-read") {
        // Ours failed, not the workload: it is no attempt.
        this.#deps.log.warn(
          { job: id, err: message },
          "the job could not be given to the workload, or its answer not be read: it is tried again",
        );
        throw new HandedBack(message, { cause: thrown, pause: RETRY_DELAY });
      }
      if (code === "workload-away") {
        this.#readiness.lost(message);
        throw new HandedBack(message, { cause: thrown });
      }
      if (code === "worker-ends") throw new HandedBack(message, { cause: thrown });
      if (code === "deadline") throw new Refused({ reason: "deadline", message }, { cause: thrown });
      if (code === "cancelled") throw new Refused({ reason: "cancelled", message }, { cause: thrown });
      const outcome = code === "timeout" ? "timeout" : "reset";
      throw new FailedAttempt({ reason: "attempts", message }, outcome, { cause: thrown });
    } finally {
      timer.clear();
      // Another attempt of it may have begun here, where this one was held to have ended.
      if (this.#attempts.get(id) === attempt) this.#attempts.delete(id);
      attempt.limit = null;
    }
    const verdict = verdictOn(answer.status);
    if (verdict === "done") return answer;
    const message = `the workload answered ${answer.status}`;
    if (verdict === "refused") throw new Refused({ reason: "refused", message, answer });
    await this.#obey(answer);
    throw new FailedAttempt({ reason: "attempts", message, answer }, "server-error");
  }

  async #keepAnswer(
    job: Job<StoredRequest, Answer>,
    status: number,
    pieces: AsyncIterable<Buffer>,
  ): Promise<StoredBody> {
    const { maxAnswer } = this.#config;
    // Each attempt its own: two workers may have the job, where one was held to have ended.
    const id = `${job.id}-${randomBytes(4).toString("hex")}`;
    const tooLarge = (): OutriggerError =>
      new OutriggerError("answer-too-large", `the answer has more than ${maxAnswer} bytes (maxAnswer)`);
    if (verdictOn(status) !== "again" || isLast(job))
      return this.#deps.bodies.keep(id, pieces, { max: maxAnswer, tooLarge });
    // Nobody will be shown it; that it came whole is part of the attempt.
    let length = 0;
    for await (const piece of pieces) if ((length += piece.length) > maxAnswer) break;
    return "";
  }

  /** A workload that says when it may be asked again is not asked before, by anybody. */
  async #obey({ status, fields }: Answer): Promise<void> {
    const { clock, log, pauseQueue } = this.#deps;
    const value = fields.find(([name]) => name === "retry-after")?.[1];
    const span = retryAfter(value, clock.wallTime());
    if (span === 0) return;
    log.info({ status, pause: formatDuration(span) }, "the workload asks for a pause (Retry-After)");
    try {
      await pauseQueue(span);
    } catch (thrown) {
      log.warn({ err: (thrown as Error).message }, "the queue could not be paused");
    }
  }
}

/** An error of the backend, met while a job's end is noted, is none of the job's: its lock ends, and another worker has it. */
class EndsByOursAlone extends Job<StoredRequest, Answer> {
  override async moveToFailed(
    error: Error,
    token: string,
    fetchNext?: boolean,
  ): ReturnType<Job["moveToFailed"]> {
    if (!(error instanceof FailedAttempt) && !(error instanceof Refused)) throw error;
    return super.moveToFailed(error, token, fetchNext);
  }
}

/** Without a rate: reached by a pause alone, which BullMQ looks for where there is a limit. */
const limiterOf = ({ rate }: LiveConfig): RateLimiterOptions =>
  rate === undefined ? { max: NO_RATE, duration: 1_000 } : { max: rate.max, duration: rate.span };

const keptOf = ({ keepAnswers }: LiveConfig): KeepJobs => ({ age: Math.ceil(keepAnswers / 1_000) });

/** Of its attempts, this one. */
const isLast = (job: Job): boolean => job.attemptsMade + 1 >= (job.opts.attempts ?? 1);
