import { type WorkQueueConfig } from "./config.ts";
/** Limits and times, each read when it is next needed: nothing is opened or closed for them. */
export declare const LIVE_KEYS: readonly ["concurrency", "maxConcurrency", "rate", "rules", "schedules", "ready", "attempts", "backoff", "maxBackoff", "timeout", "maxBody", "maxAnswer", "maxBytes", "maxDepth", "keepAnswers", "idempotencyWindow"];
export type LiveConfig = Pick<WorkQueueConfig, (typeof LIVE_KEYS)[number]>;
/** @throws OutriggerError `restart-needed`, with every key that would have to be taken at a start */
export declare function refuseOthers(former: WorkQueueConfig, config: WorkQueueConfig): void;
//# sourceMappingURL=live.d.ts.map