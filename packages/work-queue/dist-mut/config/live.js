/** What of a work queue's configuration may change while it runs; the rest it takes at its start only. */
import { OutriggerError } from "@outrigger/core";
import { workQueueSchema } from "./config.js";
/** Limits and times, each read when it is next needed: nothing is opened or closed for them. */
export const LIVE_KEYS = [
    "concurrency",
    "maxConcurrency",
    "rate",
    "rules",
    "schedules",
    "ready",
    "attempts",
    "backoff",
    "maxBackoff",
    "timeout",
    "maxBody",
    "maxAnswer",
    "maxBytes",
    "maxDepth",
    "keepAnswers",
    "idempotencyWindow",
];
/** @throws OutriggerError `restart-needed`, with every key that would have to be taken at a start */
export function refuseOthers(former, config) {
    const live = new Set(LIVE_KEYS);
    // What else stands in the file is the container's.
    const keys = Object.keys(workQueueSchema.shape);
    const changed = keys.filter((key) => !live.has(key) && JSON.stringify(former[key]) !== JSON.stringify(config[key]));
    if (changed.length > 0)
        throw new OutriggerError("restart-needed", `${changed.join(", ")}: taken at the start only; restart it, or put back what was there`);
}
//# sourceMappingURL=live.js.map