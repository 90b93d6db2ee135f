/**
 * Tells the targets of the configuration that a job has ended. The word is kept as a job of its own, in a queue of its target in the
 * same backend, before the job ends: whoever dies then or later takes no word with it, and a target may be told twice. A target that
 * does not answer holds up no other, and a process that does not know a target yet takes none of its words.
 * What is told was read from the backend then, so that no end is told which has not happened.
 */
import { createHash } from "node:crypto";
import { DelayedError } from "bullmq";
import { formatDuration, OutriggerError, } from "@outrigger/core";
import { isEnd, standingJson } from "../job/standing.js";
import { pauseAfter } from "../worker/backoff.js";
import { callWebhook } from "./call.js";
/** Calls of one target at once, of one process. */
const CONCURRENCY = 10;
const CALL_LIMIT = 10_000;
/** A word that was tried for longer is given up; and one that is as old, where its target takes none for as long. */
const TRIED_FOR = 4 * 3_600_000;
/** More than fit into that. */
const ATTEMPTS = 10_000;
const FIRST_PAUSE = 1_000;
const LONGEST_PAUSE = 300_000;
/** A job about to end has ended within milliseconds. */
const LOOKS = [5, 10, 20, 50, 100, 300];
const LOOK_AGAIN = 5_000;
/** For the calls that are handed back at the end. */
const LAST_WORDS = 1_000;
/** Between attempts to keep a word. */
const KEEP_AGAIN = 1_000;
/** No queue of a configuration has such a name. */
export const wordsOf = (queue, target) => `${queue}+webhooks-${createHash("sha256").update(target).digest("hex").slice(0, 16)}`;
export class Webhooks {
    #options;
    #deps;
    #targets;
    #outcome;
    #ended = new AbortController();
    constructor(backend, options, deps) {
        this.#options = options;
        this.#deps = deps;
        const calls = deps.metrics.counter("outrigger_queue_webhooks_total", "Calls of webhooks: told, again (tried later), given-up, dropped (a later attempt of the job tells)", ["outcome"]);
        this.#outcome = (outcome) => calls.with({ outcome });
        this.#targets = options.webhooks.map((url) => this.#open(backend, url));
    }
    /** @throws what BullMQ does where the backend is away: on Postgres one that did not come to be is not tried again */
    async start() {
        await Promise.all(this.#targets.map(({ queue, worker }) => Promise.all([queue.waitUntilReady(), worker.waitUntilReady()])));
    }
    /**
     * Keeps the word of an end; resolves when it is kept for each target, however long the backend is away.
     * @param standing as it will be
     * @throws OutriggerError `worker-ends`
     */
    async keep(standing) {
        const { clock, log } = this.#deps;
        const word = { standing: standingJson(standing) };
        const options = {
            // One that was kept, and not acknowledged, is not kept again.
            jobId: `${standing.id}-${standing.attempts}`,
            attempts: ATTEMPTS,
            backoff: { type: "custom" },
            removeOnComplete: true,
            removeOnFail: true,
            stackTraceLimit: 0,
        };
        for (let left = this.#targets;;) {
            const kept = await Promise.allSettled(left.map(({ queue }) => queue.add("webhook", word, options)));
            left = left.filter((_target, at) => kept[at]?.status === "rejected");
            const failed = kept.find((result) => result.status === "rejected");
            if (failed === undefined)
                return;
            log.warn({ job: standing.id, targets: left.length, err: failed.reason.message }, "a webhook's word is not kept yet");
            await clock.sleep(KEEP_AGAIN, this.#ended.signal).catch(() => { });
            if (this.#ended.signal.aborted)
                throw new OutriggerError("worker-ends", "this worker ends");
        }
    }
    /** At once: calls under way are made again, by whoever is there; after lockDuration where the backend does not hear of it. */
    async end() {
        this.#ended.abort(new OutriggerError("worker-ends", "this worker ends"));
        const tooLong = new AbortController();
        const waited = this.#deps.clock.sleep(LAST_WORDS, tooLong.signal).catch(() => { });
        await Promise.race([Promise.all(this.#targets.map(({ worker }) => worker.close())), waited]);
        tooLong.abort();
    }
    #open(backend, url) {
        const { queue, lockDuration } = this.#options;
        const { log, random } = this.#deps;
        const name = wordsOf(queue, url);
        const onError = (error) => log.warn({ err: error.message }, "the webhooks are not reached");
        const target = {
            url,
            silentSince: null,
            queue: backend.openQueue(name),
            worker: backend.openWorker(name, (job, token) => this.#run(target, job, token), {
                concurrency: CONCURRENCY,
                lockDuration,
                stalledInterval: lockDuration,
                maxStalledCount: ATTEMPTS,
                settings: {
                    backoffStrategy: (attempt) => pauseAfter(attempt, FIRST_PAUSE, LONGEST_PAUSE, random),
                },
            }),
        };
        target.queue.on("error", onError);
        target.worker.on("error", onError);
        return target;
    }
    async #run(target, job, token) {
        const { clock, log } = this.#deps;
        const { standing } = job.data;
        if (this.#isTooOld(target, job)) {
            this.#outcome("given-up").inc();
            log.error({ job: standing.id, webhook: target.url }, "a webhook was not told, and is given up");
            return;
        }
        const now = await this.#endOf(standing);
        if (now === "later") {
            this.#outcome("dropped").inc();
            return;
        }
        if (now === "soon") {
            await job.moveToDelayed(clock.wallTime() + LOOK_AGAIN, token);
            throw new DelayedError();
        }
        await this.#tell(target, job, now);
    }
    #isTooOld({ silentSince }, { timestamp, data: { triedSince } }) {
        const { clock } = this.#deps;
        const now = clock.wallTime();
        if (triedSince !== undefined)
            return now - triedSince > TRIED_FOR;
        return now - timestamp > TRIED_FOR && silentSince !== null && clock.now() - silentSince > TRIED_FOR;
    }
    /** What is to be told; soon: it has not ended yet; later: it did not, and is being tried again. */
    async #endOf(word) {
        const { clock, find } = this.#deps;
        for (const pause of [...LOOKS, null]) {
            const now = await find(word.id);
            if (now === null)
                return word;
            if (isEnd(now.state))
                return standingJson(now);
            if (now.attempts !== word.attempts)
                return "later";
            if (pause !== null)
                await clock.sleep(pause, this.#ended.signal);
        }
        return "soon";
    }
    /** Where the backend does not hear of it the next call that fails counts as the first. */
    async #notTold(target, job) {
        const { clock } = this.#deps;
        target.silentSince ??= clock.now();
        if (job.data.triedSince === undefined)
            await job.updateData({ ...job.data, triedSince: clock.wallTime() }).catch(() => { });
    }
    async #tell(target, job, standing) {
        const { clock, log } = this.#deps;
        const { webhookSecretFile, webhookCaFile } = this.#options;
        const call = new AbortController();
        const limit = clock.timer(CALL_LIMIT, () => call.abort(new OutriggerError("not-told", `no answer within ${formatDuration(CALL_LIMIT)}`)));
        const onEnd = () => call.abort(this.#ended.signal.reason);
        this.#ended.signal.addEventListener("abort", onEnd);
        if (this.#ended.signal.aborted)
            onEnd();
        const body = JSON.stringify(standing);
        const options = {
            secretFile: webhookSecretFile,
            caFile: webhookCaFile,
            wallTime: () => clock.wallTime(),
        };
        try {
            await callWebhook(target.url, standing.id, body, options, call.signal);
            target.silentSince = null;
            this.#outcome("told").inc();
        }
        catch (thrown) {
            const { message } = OutriggerError.from(thrown);
            if (!this.#ended.signal.aborted)
                await this.#notTold(target, job);
            this.#outcome("again").inc();
            const fields = { job: standing.id, webhook: target.url, attempt: job.attemptsMade + 1, err: message };
            log.warn(fields, "a webhook was not told; it is tried again");
            throw thrown;
        }
        finally {
            limit.clear();
            this.#ended.signal.removeEventListener("abort", onEnd);
        }
    }
}
//# sourceMappingURL=webhooks.js.map