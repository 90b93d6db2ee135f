import { AdaptiveLimit } from "@outrigger/upstream";
/** A mean of this much the least latency is where jobs begin to wait inside the workload. */
const TOLERANCE = 1.5;
export class Concurrency {
    #clock;
    #options;
    /** null: fixed. */
    #adaptive;
    constructor(options, clock) {
        this.#clock = clock;
        this.#options = options;
        this.#adaptive = adaptiveLimit(options, clock);
    }
    /** Where nothing of it is changed, what was learnt stays. */
    reload({ concurrency, maxConcurrency }) {
        const former = this.#options;
        if (concurrency === former.concurrency && maxConcurrency === former.maxConcurrency)
            return;
        this.#options = { concurrency, maxConcurrency };
        this.#adaptive = adaptiveLimit(this.#options, this.#clock);
    }
    get limit() {
        return this.#adaptive?.limit ?? this.#options.concurrency;
    }
    /** @param running attempts under way, this one among them */
    attempted(outcome, latency, running) {
        this.#adaptive?.observe(outcome, latency, running, this.#clock.now());
    }
}
function adaptiveLimit(options, clock) {
    if (options.concurrency !== "adaptive")
        return null;
    return new AdaptiveLimit({ adaptiveMin: 1, adaptiveTolerance: TOLERANCE, maxConnections: options.maxConcurrency }, clock.now());
}
//# sourceMappingURL=concurrency.js.map