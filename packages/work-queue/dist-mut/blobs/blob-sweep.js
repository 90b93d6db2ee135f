import { jobOf } from "./blob-store.js";
const SWEEP_EVERY = 10 * 60_000;
/** Between the last byte of a blob and its job there is less. */
const LEFT_ALONE = 60 * 60_000;
export class BlobSweep {
    #deps;
    #timer = null;
    #stopped = false;
    constructor(deps) {
        this.#deps = deps;
    }
    start() {
        this.#timer = this.#deps.clock.timer(SWEEP_EVERY, () => void this.#sweep(), { unref: true });
    }
    stop() {
        this.#stopped = true;
        this.#timer?.clear();
    }
    async #sweep() {
        const { blobs, log, hasJob } = this.#deps;
        let removed = 0;
        try {
            for await (const id of blobs.untouched(LEFT_ALONE)) {
                if (this.#stopped)
                    return;
                if (await hasJob(jobOf(id)))
                    continue;
                await blobs.remove(id);
                removed++;
            }
        }
        catch (thrown) {
            log.warn({ err: thrown.message }, "bodies without a job could not be swept; later again");
        }
        if (removed > 0)
            log.info({ removed }, "bodies whose jobs are gone were removed");
        if (!this.#stopped)
            this.#timer?.refresh();
    }
}
//# sourceMappingURL=blob-sweep.js.map