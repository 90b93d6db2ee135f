import type { Milliseconds } from "@outrigger/core";
/**
 * The pause after the `attempt`th attempt: exponential with full jitter (AWS Architecture Blog, "Exponential Backoff and
 * Jitter"), so that what failed together does not come back together.
 * @param random from 0 to 1
 */
export declare function pauseAfter(attempt: number, base: Milliseconds, max: Milliseconds, random: () => number): Milliseconds;
//# sourceMappingURL=backoff.d.ts.map