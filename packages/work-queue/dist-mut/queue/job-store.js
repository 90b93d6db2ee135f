/** Keeps requests as jobs, and knows what became of them. All of it fails where the backend is away, within a time. */
import { createHash } from "node:crypto";
import { OutriggerError } from "@outrigger/core";
import { DeadLetters } from "../dead-letters/dead-letters.js";
import { standingOf } from "../job/standing.js";
import { emptied } from "./emptied.js";
import { DepthWatch } from "./depth-watch.js";
export class JobStore {
    #queue;
    depth;
    deadLetters;
    bodies;
    #limits;
    #timeout;
    #clock;
    #cancellations;
    constructor(backend, options, deps) {
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
    reload(limits) {
        this.#limits = limits;
    }
    async start() {
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
    async add(jobId, request, timing, idempotency) {
        const { idempotencyWindow } = this.#limits;
        const options = this.#optionsOf(jobId, timing);
        if (idempotency === null) {
            await this.#within(this.#queue.add("http", request, options));
            return { id: jobId, isKnown: false };
        }
        const { key, fingerprint } = idempotency;
        const added = await this.#within(this.#queue.add("http", { ...request, fingerprint }, { ...options, deduplication: { id: sha256(key), ttl: idempotencyWindow } }));
        const id = added.id;
        if (id === jobId)
            return { id, isKnown: false };
        // It was stored for a job that is not.
        await this.bodies.drop(request.body);
        const earlier = await this.#within(this.#queue.getJob(id));
        if (earlier !== undefined && earlier.data.fingerprint !== fingerprint)
            throw new OutriggerError("key-reused", "this Idempotency-Key came before with another request: a new request needs a new key");
        return { id, isKnown: true };
    }
    /**
     * Keeps a job of a schedule, unless the last one has not ended.
     * @returns false: it has not
     * @throws OutriggerError `backend-away`: it may be kept all the same
     */
    async addScheduled(schedule, jobId, request, timing) {
        // No caller's key: those are hashed.
        const last = `schedule:${schedule}`;
        const options = { ...this.#optionsOf(jobId, timing), deduplication: { id: last } };
        return this.#within((async () => {
            let { id } = await this.#queue.add("http", request, options);
            if (id !== jobId && !isUnfinished(await this.#queue.getJobState(id))) {
                // It has ended, and was not forgotten: nothing would come of this schedule any more.
                await this.#queue.removeDeduplicationKey(last);
                ({ id } = await this.#queue.add("http", request, options));
            }
            if (id === jobId)
                this.depth.added(timing.delay);
            return id === jobId;
        })());
    }
    /** null: there is none of that id, or none any more. @throws OutriggerError `backend-away` */
    async find(id) {
        return this.#within((async () => {
            // In this order: what has ended when it is asked has its answer when it is read.
            const state = await this.#queue.getJobState(id);
            const job = await this.#queue.getJob(id);
            return job === undefined ? null : standingOf(job, state);
        })());
    }
    async has(id) {
        return (await this.#queue.getJob(id)) !== undefined;
    }
    /** No worker takes a job for so long, wherever; what runs goes on. */
    async pause(span) {
        await this.#queue.rateLimit(Math.ceil(span));
    }
    /**
     * Takes it out of the queue; a running one is asked to end, and fails as `cancelled`.
     * @returns what became of it; `ended`: it had ended before; null: there is none of that id
     * @throws OutriggerError `backend-away`
     */
    async cancel(id) {
        return this.#within((async () => {
            const job = await this.#queue.getJob(id);
            if (job === undefined)
                return null;
            if (isEnded(await job.getState()))
                return "ended";
            try {
                await job.remove();
                await this.bodies.drop(job.data.body);
                return "removed";
            }
            catch (thrown) {
                // A worker has it.
                const state = await job.getState();
                if (isEnded(state))
                    return "ended";
                if (state !== "active")
                    throw thrown;
            }
            await this.#cancellations.ask(id);
            return "asked";
        })());
    }
    /** @param horizon a job that is due within it is waited for */
    async emptied(horizon, signal) {
        await emptied(this.#queue, horizon, this.#clock, signal);
    }
    stop() {
        this.depth.stop();
    }
    #optionsOf(jobId, { delay, priority, attempts }) {
        return {
            jobId,
            attempts: attempts ?? this.#limits.attempts,
            backoff: { type: "custom" },
            stackTraceLimit: 0,
            ...(delay > 0 && { delay }),
            ...(priority > 0 && { priority }),
        };
    }
    async #within(work) {
        const timeout = this.#timeout;
        let timer;
        const late = new Promise((_resolve, reject) => {
            timer = this.#clock.timer(timeout, () => reject(new Error(`it did not answer within ${timeout} ms`)));
        });
        try {
            return await Promise.race([work, late]);
        }
        catch (thrown) {
            work.catch(() => { });
            throw new OutriggerError("backend-away", `the queue's backend: ${thrown.message}`, {
                cause: thrown,
            });
        }
        finally {
            timer?.clear();
        }
    }
}
const isUnfinished = (state) => !isEnded(state) && state !== "unknown";
const isEnded = (state) => state === "completed" || state === "failed";
const sha256 = (text) => createHash("sha256").update(text).digest("hex");
//# sourceMappingURL=job-store.js.map