import { openBackend } from "./backend/open-backend.js";
import { BlobSweep } from "./blobs/blob-sweep.js";
import { Bodies } from "./blobs/bodies.js";
import { openBlobs } from "./blobs/open-blobs.js";
import { filesOf } from "./config/workload-option.js";
import { Followers } from "./front/followers.js";
import { JobWatches } from "./front/job-watches.js";
import { Waits } from "./front/waits.js";
import { isEnd } from "./job/standing.js";
import { Cancellations, cancellationsOf } from "./queue/cancellations.js";
import { JobStore } from "./queue/job-store.js";
import { HttpContract } from "./worker/http-contract.js";
import { QueueWorker } from "./worker/queue-worker.js";
export class OpenQueue {
    store;
    watches;
    waits;
    followers;
    /** null: this process does no jobs. */
    worker;
    /** Resolves when its backend cannot be used any more, by this process. */
    ended;
    #backend;
    /** null: this process does no jobs. */
    #cancelled;
    #sweep;
    #webhooks;
    /** null: another role's. */
    #schedules = null;
    /** null: none is asked for. */
    #board = null;
    constructor(backend, blobs, config, deps, openWebhooks, openContract) {
        const { clock, metrics, log, depthChanged } = deps;
        const bodies = new Bodies(blobs);
        const onError = (error) => log.warn({ err: error.message }, "the queue is not reached");
        this.#backend = backend;
        this.ended = backend.ended ?? new Promise(() => { });
        const openEvents = (name) => backend.openEvents(name).on("error", onError);
        const producer = backend.openEventsProducer(cancellationsOf(config.queue));
        producer.on("error", onError);
        this.#cancelled = config.role === "front" ? null : openEvents(cancellationsOf(config.queue));
        const cancellations = new Cancellations(this.#cancelled, producer);
        this.store = new JobStore(backend, config, {
            ...{ clock, metrics, cancellations, bodies, onError, depthChanged },
        });
        this.#sweep = new BlobSweep({ blobs, clock, log, hasJob: (id) => this.store.has(id) });
        this.watches = new JobWatches({ clock, openEvents: () => openEvents(config.queue) });
        const asked = { clock, watches: this.watches, find: (id) => this.store.find(id) };
        this.waits = new Waits(asked);
        this.followers = new Followers(asked);
        const webhooks = openWebhooks?.(asked.find) ?? null;
        this.#webhooks = webhooks;
        this.worker =
            config.role === "front"
                ? null
                : new QueueWorker(backend, config, {
                    ...deps,
                    cancellations,
                    bodies,
                    contract: openContract({
                        ...{ clock, log, bodies },
                        isUnfinished: async (id) => !isEnd((await asked.find(id))?.state ?? "done"),
                    }),
                    pauseQueue: (span) => this.store.pause(span),
                    ...(webhooks && { ending: (standing) => webhooks.keep(standing) }),
                });
    }
    /** @throws OutriggerError: `redis-unreachable`, `postgres-unreachable`; or why this backend will not do */
    static async open(config, deps) {
        const openContract = await contractOf(config);
        const backend = await openBackend(config, deps.log);
        let blobs;
        let openWebhooks;
        try {
            openWebhooks = await webhooksOf(backend, config, deps);
            blobs = await openBlobs(config, backend, deps.clock);
        }
        catch (thrown) {
            await backend.close();
            throw thrown;
        }
        const queue = new OpenQueue(backend, blobs, config, deps, openWebhooks, openContract);
        try {
            // Before the first job can end: its word is kept then.
            await queue.#webhooks?.start();
            await Promise.all([queue.#cancelled?.waitUntilReady(), queue.store.start(), queue.worker?.start()]);
            if (config.role !== "worker") {
                queue.#sweep.start();
                // Also without one: those of before are removed.
                const { Schedules } = await import("./schedules/schedules.js");
                queue.#schedules = new Schedules(backend, config, { ...deps, store: queue.store });
                await queue.#schedules.start();
            }
            if (config.board)
                queue.#board = await (await import("./board/board.js")).openBoard(backend, config);
            return queue;
        }
        catch (thrown) {
            await queue.close();
            throw thrown;
        }
    }
    /** null: another role's. */
    get schedules() {
        return this.#schedules;
    }
    /** null: none is asked for. */
    get board() {
        return this.#board;
    }
    /** For what comes from now on. */
    reload(config) {
        this.store.reload(config);
        this.#schedules?.reload(config);
        this.worker?.reload(config);
    }
    /** At once: attempts under way are another worker's. */
    async close() {
        await Promise.all([this.#webhooks?.end(), this.#schedules?.end(), this.worker?.end(AbortSignal.abort())]);
        this.store.stop();
        this.#sweep.stop();
        await this.#backend.close();
    }
}
/** Loaded where a target is configured; null: none is. */
async function webhooksOf(backend, config, deps) {
    const { webhooks, webhookSecretFile } = config;
    if (webhooks.length === 0 || webhookSecretFile === undefined)
        return null;
    const { Webhooks } = await import("./webhooks/webhooks.js");
    return (find) => new Webhooks(backend, { ...config, webhookSecretFile }, { ...deps, find });
}
/** @throws OutriggerError `folder-unusable` */
async function contractOf({ workload, role }) {
    const folder = filesOf(workload);
    if (folder === null || role === "front")
        return ({ bodies }) => new HttpContract(workload, bodies);
    const [{ FileContract }, { JobFiles }] = await Promise.all([
        import("./files/file-contract.js"),
        import("./files/job-files.js"),
    ]);
    const files = await JobFiles.open(folder);
    return (deps) => new FileContract(files, deps);
}
/** The backend is not there now, and may be later. */
export const isAway = (code) => code.endsWith("-unreachable");
//# sourceMappingURL=open-queue.js.map