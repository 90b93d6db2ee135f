import { parseFailure } from "../job/failure.js";
/** Jobs that are looked at in one go. */
const PAGE = 100;
export class DeadLetters {
    #queue;
    #bodies;
    constructor(queue, bodies) {
        this.#queue = queue;
        this.#bodies = bodies;
    }
    /** The latest first. */
    async list(which, count) {
        const found = [];
        for await (const { letter } of this.#each(which)) {
            if (found.length === count)
                break;
            found.push(letter);
        }
        return found;
    }
    /** With its request and the workload's last answer; null: none has that id. */
    async show(id) {
        for await (const { job, letter, failure } of this.#each({ id }))
            return { ...letter, request: job.data, ...(failure.answer && { answer: failure.answer }) };
        return null;
    }
    /** They wait again, with as many attempts as a new job. @returns how many */
    async replay(which) {
        return this.#act(which, async (job) => {
            // Somebody wants it now, late as it is.
            const { deadline, ...request } = job.data;
            if (deadline !== undefined)
                await job.updateData(request);
            await job.retry("failed", { resetAttemptsMade: true, resetAttemptsStarted: true });
        });
    }
    /** They are gone. @returns how many */
    async purge(which) {
        return this.#act(which, async (job) => {
            await job.remove();
            await this.#bodies.drop(job.data.body, parseFailure(job.failedReason).answer?.body);
        });
    }
    async #act(which, act) {
        // Those that there are now: one that fails again meanwhile is not taken twice. Ids alone: nothing bounds how many there are.
        const ids = new Set();
        for await (const { letter } of this.#each(which))
            ids.add(letter.id);
        let done = 0;
        for (const id of ids) {
            // Somebody else may have acted on it: one that waits again is no dead letter.
            for await (const { job } of this.#each({ id })) {
                try {
                    await act(job);
                    done++;
                }
                catch (thrown) {
                    if ((await job.getState()) === "failed")
                        throw thrown;
                }
            }
        }
        return done;
    }
    async *#each(which) {
        if (which !== "all" && "id" in which) {
            const job = await this.#queue.getJob(which.id);
            if (job !== undefined && (await job.getState()) === "failed")
                yield described(job);
            return;
        }
        for (let at = 0;; at += PAGE) {
            const jobs = await this.#queue.getJobs(["failed"], at, at + PAGE - 1);
            for (const job of jobs) {
                const found = described(job);
                if (which === "all" || found.failure.reason === which.reason)
                    yield found;
            }
            if (jobs.length < PAGE)
                return;
        }
    }
}
function described(job) {
    const failure = parseFailure(job.failedReason);
    const letter = {
        id: job.id,
        method: job.data.method,
        target: job.data.target,
        reason: failure.reason,
        message: failure.message,
        attempts: job.attemptsStarted,
        failedAt: new Date(job.finishedOn ?? 0).toISOString(),
    };
    return { job, letter, failure };
}
//# sourceMappingURL=dead-letters.js.map