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
  readonly #clock: Clock;
  #options: ConcurrencyOptions;
  /** null: fixed. */
  #adaptive: AdaptiveLimit | null;

  constructor(options: ConcurrencyOptions, clock: Clock) {
    this.#clock = clock;
    this.#options = options;
    this.#adaptive = adaptiveLimit(options, clock);
  }

  /** Where nothing of it is changed, what was learnt stays. */
  reload({ concurrency, maxConcurrency }: ConcurrencyOptions): void {
    const former = this.#options;
    if (concurrency === former.concurrency && maxConcurrency === former.maxConcurrency) return;
    this.#options = { concurrency, maxConcurrency };
    this.#adaptive = adaptiveLimit(this.#options, this.#clock);
  }

  get limit(): number {
    return this.#adaptive?.limit ?? (this.#options.concurrency as number);
  }

  /** @param running attempts under way, this one among them */
  attempted(outcome: Outcome, latency: Milliseconds, running: number): void {
    this.#adaptive?.observe(outcome, latency, running, this.#clock.now());
  }
}

function adaptiveLimit(options: ConcurrencyOptions, clock: Clock): AdaptiveLimit | null {
  if (options.concurrency !== "adaptive") return null;
  return new AdaptiveLimit(
    { adaptiveMin: 1, adaptiveTolerance: TOLERANCE, maxConnections: options.maxConcurrency },
    clock.now(),
  );
}
