import { isEnd } from "../job/standing.js";
export class Waits {
    #deps;
    #count = 0;
    constructor(deps) {
        this.#deps = deps;
    }
    /** Callers that wait now. */
    get count() {
        return this.#count;
    }
    /**
     * How it ended; null: it has not, in that time, or the caller has left, or all were let go: its job is kept.
     * @throws OutriggerError `backend-away`
     */
    async ended(id, span, caller) {
        const { clock, watches, find } = this.#deps;
        const end = clock.now() + span;
        const watch = watches.watch(id, caller);
        this.#count++;
        try {
            for (;;) {
                watch.begin();
                const standing = await find(id);
                if (standing === null || isEnd(standing.state))
                    return standing;
                const left = end - clock.now();
                if (watch.isOver || left <= 0)
                    return null;
                await watch.pause(left);
            }
        }
        finally {
            watch.end();
            this.#count--;
        }
    }
}
//# sourceMappingURL=waits.js.map