/**
 * A queue as the board may see it. What it has of a job is written out here, field by field: nothing that a caller sent or the
 * workload said is among it. What would change a queue is refused here, too, whoever asks.
 */
import { BaseAdapter } from "@bull-board/api/dist/queueAdapters/base.js";
import { OutriggerError } from "@outrigger/core";
import { FAILURE_REASONS, parseFailure } from "../job/failure.js";
const STATES = ["active", "waiting", "prioritized", "completed", "failed", "delayed"];
const HIDDEN = "hidden";
export class QueueView extends BaseAdapter {
    #queue;
    constructor(queue, displayName) {
        // Of Bull: the flows of BullMQ, which a board would read by itself, are not asked for.
        super("bull", { readOnlyMode: true, displayName });
        this.#queue = queue;
    }
    getName() {
        return this.#queue.name;
    }
    getStatuses() {
        return ["latest", ...STATES];
    }
    getJobStatuses() {
        return [...STATES];
    }
    async getJobCounts() {
        return this.#queue.getJobCounts();
    }
    async getJob(id) {
        // In Redis BullMQ's own keys stand beside those of jobs, and Redis refuses to read them as one.
        const job = /^[a-z-]+$/.test(id) ? undefined : await this.#queue.getJob(id);
        return job === undefined ? null : shown(job);
    }
    async getJobs(statuses, start, end) {
        const jobs = await this.#queue.getJobs(statuses, start, end);
        return jobs.filter((job) => job !== undefined).map(shown);
    }
    async getJobLogs() {
        return [];
    }
    async getMetrics() {
        return { meta: { count: 0, prevTS: 0, prevCount: 0 }, data: [], count: 0 };
    }
    /** The server's place and version are not ours to tell. */
    async getRedisInfo() {
        return null;
    }
    isPaused() {
        return this.#queue.isPaused();
    }
    async getGlobalConcurrency() {
        return null;
    }
    /** Without what they ask for. */
    async getJobSchedulers() {
        const schedulers = await this.#queue.getJobSchedulers();
        return schedulers.map(({ key, name, pattern, tz, next, iterationCount }) => ({
            ...{ id: key, name },
            ...(pattern !== undefined && { pattern }),
            ...(tz !== undefined && { tz }),
            ...(next !== undefined && { next }),
            ...(iterationCount !== undefined && { iterationCount }),
        }));
    }
    getJobSchedulersCount() {
        return this.#queue.getJobSchedulersCount();
    }
    addJob = refuse;
    clean = refuse;
    empty = refuse;
    obliterate = refuse;
    pause = refuse;
    promoteAll = refuse;
    removeJobScheduler = refuse;
    resume = refuse;
    runJobSchedulerNow = refuse;
    setGlobalConcurrency = refuse;
    updateJobScheduler = refuse;
}
async function refuse() {
    throw new OutriggerError("read-only", "the board only tells: the dlq command and DELETE /jobs/{id} act");
}
function shown(job) {
    const { id, name, timestamp, processedOn, finishedOn, delay, priority, attemptsMade, attemptsStarted } = job;
    // By its code alone: the words may be the workload's.
    const reason = job.failedReason ? parseFailure(job.failedReason).reason : undefined;
    const failedReason = FAILURE_REASONS.find((known) => known === reason);
    const view = {
        ...{ id, name, timestamp, processedOn, finishedOn, delay, priority, attemptsMade, attemptsStarted },
        ...{ failedReason, stacktrace: [], progress: 0, data: HIDDEN, opts: { attempts: job.opts.attempts } },
        ...(finishedOn !== undefined && failedReason === undefined && { returnvalue: HIDDEN }),
    };
    const read = {
        id: id ?? "",
        toJSON: () => view,
        getState: () => job.getState(),
    };
    // The board asks nothing else of one that it may not change.
    return read;
}
//# sourceMappingURL=queue-view.js.map