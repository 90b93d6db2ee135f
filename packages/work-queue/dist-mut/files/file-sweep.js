const SWEEP_EVERY = 60_000;
export class FileSweep {
    #files;
    #deps;
    #timer = null;
    #stopped = false;
    constructor(files, deps) {
        this.#files = files;
        this.#deps = deps;
    }
    /** At once, and then each minute. */
    start() {
        void this.#sweep();
    }
    stop() {
        this.#stopped = true;
        this.#timer?.clear();
    }
    async #sweep() {
        const { clock, log, isUnfinished, isCurrent } = this.#deps;
        let removed = 0;
        try {
            for await (const id of this.#files.jobs()) {
                if (this.#stopped)
                    return;
                // Asked last: one that had ended may have been begun anew.
                if (isCurrent(id) || (await isUnfinished(id)) || isCurrent(id))
                    continue;
                await this.#files.remove(id);
                removed++;
            }
        }
        catch (thrown) {
            log.warn({ err: thrown.message }, "files of ended jobs could not be swept; later again");
        }
        if (removed > 0)
            log.info({ removed }, "files of jobs that have ended were removed");
        if (!this.#stopped)
            this.#timer = clock.timer(SWEEP_EVERY, () => void this.#sweep(), { unref: true });
    }
}
//# sourceMappingURL=file-sweep.js.map