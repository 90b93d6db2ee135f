/** Whoever says a day means another thing than that nothing shall happen for a day. */
const LONGEST = 300_000;
/**
 * How long a Retry-After field says to wait (RFC 9110 section 10.2.3: seconds, or a date), at most five minutes; 0: it says
 * nothing that can be read.
 * @param wallTime milliseconds since 1970
 */
export function retryAfter(value, wallTime) {
    if (value === undefined)
        return 0;
    const text = value.trim();
    const span = /^\d{1,9}$/.test(text) ? Number(text) * 1_000 : Date.parse(text) - wallTime;
    return Number.isNaN(span) ? 0 : Math.max(0, Math.min(LONGEST, span));
}
//# sourceMappingURL=retry-after.js.map