/**
 * How many jobs run at once: as many as it is told; or adaptive, as many as make the workload's answers no slower, by the
 * gradient of their latencies (AdaptiveLimit of upstream).
 */
import type { Clock, Milliseconds } from "@outrigger/core";
import { type Outcome } from "@outrigger/upstream";
export interface ConcurrencyOptions {
    readonly concurrency: number | "adaptive";
    readonly maxConcurrency: number;
}
export declare class Concurrency {
    #private;
    constructor(options: ConcurrencyOptions, clock: Clock);
    /** Where nothing of it is changed, what was learnt stays. */
    reload({ concurrency, maxConcurrency }: ConcurrencyOptions): void;
    get limit(): number;
    /** @param running attempts under way, this one among them */
    attempted(outcome: Outcome, latency: Milliseconds, running: number): void;
}
//# sourceMappingURL=concurrency.d.ts.map