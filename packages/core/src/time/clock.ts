/**
 * Time as a dependency: everything that waits or measures takes a Clock, so that tests move it by hand.
 */
import { performance } from "node:perf_hooks";
import type { Milliseconds } from "../units.ts";

/** A timer that its owner must clear when it stops. */
export interface Timer {
  /** Starts the same span anew, also after it has fired. */
  refresh(): void;
  clear(): void;
}

export interface Clock {
  /** Milliseconds since an arbitrary start; never goes back; fractions count. */
  now(): Milliseconds;
  /** Milliseconds since 1970 UTC; may jump. For people and wire formats only, never for spans. */
  wallTime(): Milliseconds;
  /** Calls `fire` once after `delay`. `unref`: this timer alone does not keep the process alive. */
  timer(delay: Milliseconds, fire: () => void, options?: { unref?: boolean }): Timer;
  /** Resolves after `delay`; rejects with the signal's reason when it aborts first. */
  sleep(delay: Milliseconds, signal?: AbortSignal): Promise<void>;
}

/** Resolves after `delay` on any clock; the rejection leaves no timer behind. */
export function sleepOn(
  clock: Pick<Clock, "timer">,
  delay: Milliseconds,
  signal?: AbortSignal,
): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) {
      reject(signal.reason as Error);
      return;
    }
    const onAbort = (): void => {
      timer.clear();
      reject(signal?.reason as Error);
    };
    const timer = clock.timer(delay, () => {
      signal?.removeEventListener("abort", onAbort);
      resolve();
    });
    signal?.addEventListener("abort", onAbort, { once: true });
  });
}

/** Node's timers hold 31 bits of milliseconds (24.8 days); a longer span would fire after one. */
const LONGEST_TIMEOUT: Milliseconds = 2 ** 31 - 1;

function longTimer(delay: Milliseconds, fire: () => void, options?: { unref?: boolean }): Timer {
  let timeout: NodeJS.Timeout;
  const arm = (remaining: Milliseconds): void => {
    const span = Math.min(remaining, LONGEST_TIMEOUT);
    timeout = setTimeout(() => (remaining > span ? arm(remaining - span) : fire()), span);
    if (options?.unref) timeout.unref();
  };
  arm(delay);
  return {
    refresh: () => {
      clearTimeout(timeout);
      arm(delay);
    },
    clear: () => clearTimeout(timeout),
  };
}

/** The machine's clock: monotonic spans from `performance.now()`, timers from Node. */
export const systemClock: Clock = {
  now: () => performance.now(),
  wallTime: () => Date.now(),
  timer(delay, fire, options) {
    if (delay > LONGEST_TIMEOUT) return longTimer(delay, fire, options);
    const timeout = setTimeout(fire, delay);
    if (options?.unref) timeout.unref();
    return {
      refresh: () => void timeout.refresh(),
      clear: () => clearTimeout(timeout),
    };
  },
  sleep: (delay, signal) => sleepOn(systemClock, delay, signal),
};
