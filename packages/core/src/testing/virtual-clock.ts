/** A clock that moves only when a test says so. */
import { sleepOn, type Clock, type Timer } from "../time/clock.ts";
import type { Milliseconds } from "../units.ts";

interface Pending {
  at: number;
  order: number;
  fire: () => void;
}

export class VirtualClock implements Clock {
  #now: number;
  #wallOffset: number;
  #order = 0;
  readonly #pending = new Set<Pending>();

  constructor(start: Milliseconds = 0, wallTime: Milliseconds = Date.UTC(2026, 0, 1)) {
    this.#now = start;
    this.#wallOffset = wallTime - start;
  }

  now(): Milliseconds {
    return this.#now;
  }

  wallTime(): Milliseconds {
    return this.#now + this.#wallOffset;
  }

  /** Timers that wait now: a test of `stop()` expects 0. */
  get pendingTimers(): number {
    return this.#pending.size;
  }

  timer(delay: Milliseconds, fire: () => void): Timer {
    const entry: Pending = { at: this.#now + Math.max(0, delay), order: this.#order++, fire };
    this.#pending.add(entry);
    return {
      refresh: () => {
        entry.at = this.#now + Math.max(0, delay);
        entry.order = this.#order++;
        this.#pending.add(entry);
      },
      clear: () => void this.#pending.delete(entry),
    };
  }

  sleep(delay: Milliseconds, signal?: AbortSignal): Promise<void> {
    return sleepOn(this, delay, signal);
  }

  /** Moves time on, firing what falls due in order, with `now()` at each timer's own time. */
  advance(span: Milliseconds): void {
    const end = this.#now + span;
    for (;;) {
      let next: Pending | undefined;
      for (const entry of this.#pending) {
        if (entry.at > end) continue;
        if (!next || entry.at < next.at || (entry.at === next.at && entry.order < next.order)) next = entry;
      }
      if (!next) break;
      this.#pending.delete(next);
      this.#now = Math.max(this.#now, next.at);
      next.fire();
    }
    this.#now = end;
  }

  /** Like advance, and lets promise callbacks run between timers. */
  async advanceAsync(span: Milliseconds): Promise<void> {
    const end = this.#now + span;
    await settle();
    for (;;) {
      let next = Infinity;
      for (const entry of this.#pending) next = Math.min(next, entry.at);
      if (next > end) break;
      this.advance(Math.max(0, next - this.#now));
      await settle();
    }
    this.#now = end;
    await settle();
  }

  /** The wall clock jumps (NTP, suspend); the monotonic one does not. */
  jumpWallTime(by: Milliseconds): void {
    this.#wallOffset += by;
  }
}

/** Two turns of the event loop: enough for chains of promises that do no I/O. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 2; turn++) await new Promise<void>((resolve) => setImmediate(resolve));
}
