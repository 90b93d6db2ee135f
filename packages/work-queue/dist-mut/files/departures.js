/** Tells when files have gone from a folder: by the system's events where it has them, and by a look each second. */
import { watch } from "node:fs";
import { lstat } from "node:fs/promises";
import { join } from "node:path";
/** Network file systems tell of nothing that another machine does. */
const LOOK_EVERY = 1_000;
export class Departures {
    #folder;
    #clock;
    /** Who waits for which name. */
    #waiting = new Map();
    #watcher = null;
    #timer = null;
    constructor(folder, clock) {
        this.#folder = folder;
        this.#clock = clock;
    }
    /** Resolves when the folder has no such name, or is gone itself. @throws the signal's reason */
    async gone(name, signal) {
        signal.throwIfAborted();
        this.#watch();
        await new Promise((resolve, reject) => {
            const waiting = this.#waiting.get(name) ?? new Set();
            this.#waiting.set(name, waiting);
            const end = () => {
                signal.removeEventListener("abort", onAbort);
                waiting.delete(onGone);
                if (waiting.size === 0)
                    this.#waiting.delete(name);
                if (this.#waiting.size === 0)
                    this.#rest();
            };
            const onGone = () => {
                end();
                resolve();
            };
            const onAbort = () => {
                end();
                reject(signal.reason);
            };
            waiting.add(onGone);
            signal.addEventListener("abort", onAbort);
            // Before anybody watched, it may have gone.
            void this.#look(name);
        });
    }
    #watch() {
        if (this.#timer !== null)
            return;
        this.#lookAgain();
        try {
            const watcher = watch(this.#folder, (_event, name) => {
                if (name !== null && this.#waiting.has(name))
                    void this.#look(name);
            });
            // The looks go on.
            watcher.on("error", () => watcher.close());
            this.#watcher = watcher;
        }
        catch {
            // The system has no watches, or no more.
        }
    }
    #lookAgain() {
        this.#timer = this.#clock.timer(LOOK_EVERY, () => {
            this.#lookAgain();
            for (const name of this.#waiting.keys())
                void this.#look(name);
        });
    }
    #rest() {
        this.#timer?.clear();
        this.#watcher?.close();
        this.#timer = this.#watcher = null;
    }
    async #look(name) {
        try {
            await lstat(join(this.#folder, name));
        }
        catch (thrown) {
            // What cannot be told now is told by the next look.
            if (thrown.code === "ENOENT")
                for (const onGone of this.#waiting.get(name) ?? [])
                    onGone();
        }
    }
}
//# sourceMappingURL=departures.js.map