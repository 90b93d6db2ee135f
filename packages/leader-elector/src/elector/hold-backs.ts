/** Why a candidate does not campaign: each reason by itself, some for a time. It campaigns when none is left. */
import type { Clock, Milliseconds, Timer } from "@outrigger/core";

/**
 * `unasked`: on request, and nobody has asked. `sick`: the workload is. `resigned`, `failed`: others get their turn.
 * `stopping`: for good.
 */
export type HeldBack = "unasked" | "sick" | "resigned" | "failed" | "stopping";

export class HoldBacks {
  readonly #clock: Clock;
  readonly #freed: () => void;
  readonly #reasons = new Set<HeldBack>();
  readonly #timers = new Map<HeldBack, Timer>();
  #isStopped = false;

  /** @param freed called when one has gone */
  constructor(clock: Clock, freed: () => void) {
    this.#clock = clock;
    this.#freed = freed;
  }

  get none(): boolean {
    return this.#reasons.size === 0;
  }

  get list(): HeldBack[] {
    return [...this.#reasons];
  }

  has(why: HeldBack): boolean {
    return this.#reasons.has(why);
  }

  add(why: HeldBack): void {
    this.#reasons.add(why);
  }

  remove(why: HeldBack): void {
    this.#timers.get(why)?.clear();
    this.#timers.delete(why);
    if (this.#reasons.delete(why)) this.#freed();
  }

  /** From now on it lasts no longer than that, where it is there. */
  limit(why: HeldBack, span: Milliseconds): void {
    if (this.#isStopped || !this.#reasons.has(why)) return;
    this.#timers.get(why)?.clear();
    this.#timers.set(
      why,
      this.#clock.timer(span, () => this.remove(why)),
    );
  }

  /** No time ends any of them any more. */
  stop(): void {
    this.#isStopped = true;
    for (const timer of this.#timers.values()) timer.clear();
    this.#timers.clear();
  }
}
