/** What all duties that tell somebody have in common: what they need, and the count of those they could not tell. */
import type { Clock, Counter, Logger, Metrics } from "@outrigger/core";

export interface HookDeps {
  readonly clock: Clock;
  readonly log: Logger;
  readonly metrics: Metrics;
}

export type HookEvent = "acquired" | "ended";

export function failures(metrics: Metrics, name: string, help: string): Readonly<Record<HookEvent, Counter>> {
  const family = metrics.counter(name, `${help}, by event`, ["event"]);
  return { acquired: family.with({ event: "acquired" }), ended: family.with({ event: "ended" }) };
}
