/**
 * How many jobs run at once: as many as it is told; or adaptive, as many as make the workload's answers no slower, by the
 * gradient of their latencies (AdaptiveLimit of upstream).
 */
import type { Clock, Milliseconds } from "@outrigger/core";
import { AdaptiveLimit, type Outcome } from "@outrigger/upstream";

export interface ConcurrencyOptions {
  readonly concurrency: number | "adaptive";
  readonly maxConcurrency: number;
}

/** A mean of this much the least latency is where jobs begin to wait inside the workload. */
const TOLERANCE = 1.5;

export class Concurrency {
  readonly #fixed: number | null;
  readonly #adaptive: AdaptiveLimit;
  readonly #clock: Clock;

  constructor({ concurrency, maxConcurrency }: ConcurrencyOptions, clock: Clock) {
    this.#clock = clock;
    this.#fixed = concurrency === "adaptive" ? null : concurrency;
    this.#adaptive = new AdaptiveLimit(
      { adaptiveMin: 1, adaptiveTolerance: TOLERANCE, maxConnections: maxConcurrency },
      clock.now(),
    );
  }

  get limit(): number {
    return this.#fixed ?? this.#adaptive.limit;
  }

  /** @param running attempts under way, this one among them */
  attempted(outcome: Outcome, latency: Milliseconds, running: number): void {
    if (this.#fixed === null) this.#adaptive.observe(outcome, latency, running, this.#clock.now());
  }
}
