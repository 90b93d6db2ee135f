/** Longer than any proxy on the way would wait. */
const LONGEST_WAIT = 3_600_000;
/** `wait=10` of a Prefer field (RFC 7240 section 4.3), in milliseconds; 0: the caller does not wait. */
export function waitPreference(prefer) {
    const [, seconds = "0"] = /(?:^|[,;\s])wait\s*=\s*"?(\d{1,6})"?(?:$|[,;\s])/i.exec(prefer ?? "") ?? [];
    return Math.min(Number(seconds) * 1_000, LONGEST_WAIT);
}
//# sourceMappingURL=prefer.js.map