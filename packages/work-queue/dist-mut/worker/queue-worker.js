/** Takes jobs from the queue and gives them to the workload, so many at once, until each is done or given up. */
import { randomBytes } from "node:crypto";
import { UnrecoverableError, WaitingError } from "bullmq";
import { formatDuration, OutriggerError, } from "@outrigger/core";
import { formatFailure, parseFailure } from "../job/failure.js";
import { pauseAfter } from "./backoff.js";
import { Concurrency } from "./concurrency.js";
import { Readiness } from "./readiness.js";
import { retryAfter } from "./retry-after.js";
import { verdictOn } from "./verdict.js";
import { WorkerMetrics } from "./worker-metrics.js";
/** A worker that ended takes nothing with it: so many may, before a job is held to be what ends them. */
const MAX_STALLED = 10;
/** After the backend failed. */
const RETRY_DELAY = 1_000;
/** For the jobs that are handed back at the end. */
const LAST_WORDS = 2_000;
export class QueueWorker {
    #config;
    #deps;
    #readiness;
    #worker;
    #metrics;
    #concurrency;
    #closing = null;
    /** Nothing is begun any more. */
    #isCut = false;
    /** Of attempts under way, by their jobs. */
    #limits = new Map();
    constructor(backend, config, deps) {
        this.#config = config;
        this.#deps = deps;
        this.#metrics = new WorkerMetrics(deps.metrics);
        this.#concurrency = new Concurrency(config, deps.clock);
        this.#metrics.concurrency.value = this.#concurrency.limit;
        this.#worker = backend.openWorker(config.queue, (job, token) => this.#run(job, token), {
            // The workload may not be ready.
            autorun: false,
            concurrency: this.#concurrency.limit,
            limiter: limiterOf(config),
            lockDuration: config.lockDuration,
            stalledInterval: config.lockDuration,
            maxStalledCount: MAX_STALLED,
            runRetryDelay: RETRY_DELAY,
            removeOnComplete: keptOf(config),
            settings: {
                backoffStrategy: (attempt) => pauseAfter(attempt, this.#config.backoff, this.#config.maxBackoff, deps.random),
            },
        });
        deps.cancellations.onAsked((id) => this.#limits.get(id)?.abort(new OutriggerError("cancelled", "its caller cancelled it")));
        this.#readiness = new Readiness(config.ready, {
            look: (path, signal) => deps.contract.look(path, signal),
            clock: deps.clock,
            onChange: (isReady, why) => this.#goOn(isReady, why),
        });
        this.#worker.on("completed", (job) => {
            void deps.bodies.drop(job.data.body);
            deps.contract.ended?.(job.id);
        });
        this.#worker.on("failed", (job) => {
            if (job?.finishedOn)
                deps.contract.ended?.(job.id);
        });
        if (deps.ending)
            this.#worker.on("failed", (job, error) => this.#givenUp(job, error));
        this.#worker.on("error", (error) => deps.log.warn({ err: error.message }, "the queue is not reached"));
    }
    get running() {
        return this.#metrics.running.value;
    }
    /** For attempts that begin from now on. */
    reload(config) {
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
    async start() {
        await this.#worker.waitUntilReady();
        await this.#readiness.start();
    }
    /**
     * Takes no further job; resolves when those that run have ended. When `cut` aborts they go back into the queue, and are
     * another worker's at once; where the backend does not take them back, after lockDuration.
     */
    async end(cut) {
        this.#readiness.stop();
        this.#closing ??= this.#worker.close();
        const cutOff = new Promise((resolve) => {
            const onCut = () => {
                this.#isCut = true;
                for (const limit of this.#limits.values())
                    limit.abort(new OutriggerError("worker-ends", "this worker ends"));
                this.#deps.clock.timer(LAST_WORDS, () => resolve(), { unref: true });
            };
            if (cut.aborted)
                onCut();
            else
                cut.addEventListener("abort", onCut, { once: true });
        });
        await Promise.race([this.#closing, cutOff]);
        await this.#deps.contract.end();
    }
    #goOn(isReady, why) {
        const { log } = this.#deps;
        this.#metrics.workloadReady.value = Number(isReady);
        if (this.#closing !== null)
            return;
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
                this.#worker.run().catch((thrown) => log.error({ err: thrown.message }, "no jobs are taken"));
        });
    }
    async #run(job, token) {
        const { clock } = this.#deps;
        const metrics = this.#metrics;
        if (!this.#readiness.isReady || this.#isCut) {
            // BullMQ takes one more after it was paused, or told to close.
            return this.#handBack(job, token, 0);
        }
        endsByOursAlone(job);
        metrics.running.value++;
        if (job.attemptsStarted === 1)
            metrics.wait.observe(Math.max(0, clock.wallTime() - job.timestamp) / 1_000);
        const began = clock.now();
        let outcome = "success";
        try {
            const answer = await this.#attemptAndTell(job);
            metrics.attempted("done");
            return answer;
        }
        catch (thrown) {
            if (thrown instanceof HandedBack) {
                outcome = "cancelled";
                return await this.#handBack(job, token, thrown.pause);
            }
            metrics.attempted(thrown instanceof Refused ? "refused" : "again");
            if (thrown instanceof FailedAttempt)
                ({ outcome } = thrown);
            throw thrown;
        }
        finally {
            const took = clock.now() - began;
            metrics.run.observe(took / 1_000);
            this.#concurrency.attempted(outcome, took, metrics.running.value);
            metrics.running.value--;
            this.#worker.concurrency = metrics.concurrency.value = this.#concurrency.limit;
        }
    }
    /** Where the backend does not hear of it, it is another worker's when its lock ends. @throws WaitingError */
    async #handBack(job, token, pause) {
        const { clock, log } = this.#deps;
        try {
            if (pause > 0)
                await job.moveToDelayed(clock.wallTime() + pause, token);
            else
                await job.moveToWait(token);
        }
        catch (thrown) {
            log.warn({ job: job.id, err: thrown.message }, "a job is not handed back: its lock has to end");
        }
        throw new WaitingError();
    }
    /** An attempt; where it is the last, whoever is told of ends hears of it first. @throws FailedAttempt, Refused, HandedBack */
    async #attemptAndTell(job) {
        let answer;
        try {
            answer = await this.#attempt(job);
        }
        catch (thrown) {
            if (thrown instanceof Refused || (thrown instanceof FailedAttempt && isLast(job)))
                await this.#tell(job, "failed", parseFailure(thrown.message));
            throw thrown;
        }
        await this.#tell(job, "done", null, answer);
        return answer;
    }
    /** @throws HandedBack */
    async #tell(job, state, failure, answer = failure?.answer ?? null) {
        try {
            await this.#deps.ending?.({
                ...{ id: job.id, attempts: job.attemptsStarted },
                ...{ state, answer, failure },
            });
        }
        catch (thrown) {
            throw new HandedBack(thrown.message, { cause: thrown });
        }
    }
    /** Of a job that BullMQ itself gave up: it has ended already. */
    #givenUp(job, error) {
        const isOurs = error instanceof FailedAttempt || error instanceof Refused;
        if (job === undefined || isOurs || !job.finishedOn)
            return;
        this.#tell(job, "failed", parseFailure(error.message)).catch((thrown) => this.#deps.log.error({ job: job.id, err: thrown.message }, "nobody is told that a job was given up"));
    }
    /** @throws FailedAttempt, Refused, HandedBack */
    async #attempt(job) {
        const { clock } = this.#deps;
        const { timeout, maxAnswer } = this.#config;
        const id = job.id;
        const { deadline = Infinity } = job.data;
        const left = deadline - clock.wallTime();
        if (left <= 0)
            throw new Refused({ reason: "deadline", message: "its deadline passed before this attempt began" });
        const limit = new AbortController();
        this.#limits.set(id, limit);
        const timer = clock.timer(Math.min(timeout, left), () => limit.abort(timeout <= left
            ? new OutriggerError("timeout", `no whole answer within ${timeout} ms`)
            : new OutriggerError("deadline", "its deadline passed while the workload did it")));
        let answer;
        try {
            answer = await this.#deps.contract.attempt({
                ...{ id, number: job.attemptsStarted, isLast: isLast(job), request: job.data, maxAnswer },
                keepBody: (status, pieces) => this.#keepAnswer(job, status, pieces),
            }, limit.signal);
        }
        catch (thrown) {
            const { code, message } = OutriggerError.from(thrown);
            if (code === "answer-too-large" || code === "blob-not-kept" || code === "bad-output")
                throw new Refused({ reason: "answer", message }, { cause: thrown });
            if (code === "no-such-blob")
                throw new Refused({ reason: "unreadable", message }, { cause: thrown });
            if (code === "blob-not-read" || code === "input-not-written") {
                // Ours failed, not the workload: it is no attempt.
                this.#deps.log.warn({ job: id, err: message }, "the job could not be given to the workload: it is tried again");
                throw new HandedBack(message, { cause: thrown, pause: RETRY_DELAY });
            }
            if (code === "workload-away") {
                this.#readiness.lost(message);
                throw new HandedBack(message, { cause: thrown });
            }
            if (code === "worker-ends")
                throw new HandedBack(message, { cause: thrown });
            if (code === "deadline")
                throw new Refused({ reason: "deadline", message }, { cause: thrown });
            if (code === "cancelled")
                throw new Refused({ reason: "cancelled", message }, { cause: thrown });
            const outcome = code === "timeout" ? "timeout" : "reset";
            throw new FailedAttempt({ reason: "attempts", message }, outcome, { cause: thrown });
        }
        finally {
            timer.clear();
            // Another attempt of it may have begun here, where this one was held to have ended.
            if (this.#limits.get(id) === limit)
                this.#limits.delete(id);
        }
        const verdict = verdictOn(answer.status);
        if (verdict === "done")
            return answer;
        const message = `the workload answered ${answer.status}`;
        if (verdict === "refused")
            throw new Refused({ reason: "refused", message, answer });
        await this.#obey(answer);
        throw new FailedAttempt({ reason: "attempts", message, answer }, "server-error");
    }
    async #keepAnswer(job, status, pieces) {
        const { maxAnswer } = this.#config;
        // Each attempt its own: two workers may have the job, where one was held to have ended.
        const id = `${job.id}-${randomBytes(4).toString("hex")}`;
        const tooLarge = () => new OutriggerError("answer-too-large", `the answer has more than ${maxAnswer} bytes (maxAnswer)`);
        if (verdictOn(status) !== "again" || isLast(job))
            return this.#deps.bodies.keep(id, pieces, { max: maxAnswer, tooLarge });
        // Nobody will be shown it; that it came whole is part of the attempt.
        let length = 0;
        for await (const piece of pieces)
            if ((length += piece.length) > maxAnswer)
                break;
        return "";
    }
    /** A workload that says when it may be asked again is not asked before, by anybody. */
    async #obey({ status, fields }) {
        const { clock, log, pauseQueue } = this.#deps;
        const value = fields.find(([name]) => name === "retry-after")?.[1];
        const span = retryAfter(value, clock.wallTime());
        if (span === 0)
            return;
        log.info({ status, pause: formatDuration(span) }, "the workload asks for a pause (Retry-After)");
        try {
            await pauseQueue(span);
        }
        catch (thrown) {
            log.warn({ err: thrown.message }, "the queue could not be paused");
        }
    }
}
/** An error of the backend, met while a job's end is noted, is none of the job's: its lock ends, and another worker has it. */
function endsByOursAlone(job) {
    const moveToFailed = job.moveToFailed.bind(job);
    job.moveToFailed = async (error, token, fetchNext) => {
        if (!(error instanceof FailedAttempt) && !(error instanceof Refused))
            throw error;
        return moveToFailed(error, token, fetchNext);
    };
}
/** Without a rate: reached by a pause alone, which BullMQ looks for where there is a limit. */
const limiterOf = ({ rate }) => rate === undefined ? { max: 1_000_000_000, duration: 1_000 } : { max: rate.max, duration: rate.span };
const keptOf = ({ keepAnswers }) => ({ age: Math.ceil(keepAnswers / 1_000) });
/** Of its attempts, this one. */
const isLast = (job) => job.attemptsMade + 1 >= (job.opts.attempts ?? 1);
/** Another may follow; where none does, this is why the job has failed. */
class FailedAttempt extends Error {
    outcome;
    constructor(failure, outcome, options) {
        super(formatFailure(failure), options);
        this.outcome = outcome;
    }
}
/** Not tried to its end: that is for another worker. */
class HandedBack extends Error {
    pause;
    constructor(message, options) {
        super(message, options);
        this.pause = options.pause ?? 0;
    }
}
/** No other follows. */
class Refused extends UnrecoverableError {
    constructor(failure, options) {
        super(formatFailure(failure));
        this.cause = options?.cause;
    }
}
//# sourceMappingURL=queue-worker.js.map