/**
 * The pause after the `attempt`th attempt: exponential with full jitter (AWS Architecture Blog, "Exponential Backoff and
 * Jitter"), so that what failed together does not come back together.
 * @param random from 0 to 1
 */
export function pauseAfter(attempt, base, max, random) {
    return Math.round(random() * Math.min(max, base * 2 ** Math.min(attempt - 1, 40)));
}
//# sourceMappingURL=backoff.js.map