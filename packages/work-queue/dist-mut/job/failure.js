export const FAILURE_REASONS = [
    /** The workload answered with a status that is not tried again. */
    "refused",
    /** The workload has done it; its answer was too large, or could not be kept. */
    "answer",
    /** The last attempt failed, too. */
    "attempts",
    /** Its time was up before it was done. */
    "deadline",
    /** Workers that had it ended, again and again. */
    "stalled",
    /** Its caller did not want it any more. */
    "cancelled",
    /** Nobody could read it. */
    "unreadable",
];
export const formatFailure = (failure) => JSON.stringify(failure);
/** @param text what BullMQ keeps, its own words included */
export function parseFailure(text) {
    try {
        const failure = JSON.parse(text);
        if (typeof failure.reason === "string" && typeof failure.message === "string")
            return failure;
    }
    catch {
        // BullMQ's own words.
    }
    return { reason: /stalled/.test(text) ? "stalled" : "unreadable", message: text };
}
//# sourceMappingURL=failure.js.map