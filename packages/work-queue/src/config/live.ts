/** What of a work queue's configuration may change while it runs; the rest it takes at its start only. */
import { OutriggerError } from "@outrigger/core";
import { workQueueSchema, type WorkQueueConfig } from "./config.ts";

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
] as const satisfies readonly (keyof WorkQueueConfig)[];

export type LiveConfig = Pick<WorkQueueConfig, (typeof LIVE_KEYS)[number]>;

/** @throws OutriggerError `restart-needed`, with every key that would have to be taken at a start */
export function refuseOthers(former: WorkQueueConfig, config: WorkQueueConfig): void {
  const live: ReadonlySet<string> = new Set(LIVE_KEYS);
  // What else stands in the file is the container's.
  const keys = Object.keys(workQueueSchema.shape) as (keyof WorkQueueConfig)[];
  const changed = keys.filter(
    (key) => !live.has(key) && JSON.stringify(former[key]) !== JSON.stringify(config[key]),
  );
  if (changed.length > 0)
    throw new OutriggerError(
      "restart-needed",
      `${changed.join(", ")}: taken at the start only; restart it, or put back what was there`,
    );
}
