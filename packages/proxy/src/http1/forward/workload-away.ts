/**
 * The one workload behind a gate refuses connections, because it restarts: whether a connection may be tried now. After a
 * failure none is, for TRY_INTERVAL; then one; the first that opens says that the workload is back.
 */
import type { Clock, Milliseconds, Timer } from "@outrigger/core";

/** Short beside a start, long beside a refused connect. */
export const TRY_INTERVAL: Milliseconds = 100;

export class WorkloadAway {
  readonly #clock: Clock;
  readonly #mayTryAgain: () => void;
  #goesOn = false;
  /** One connection may be tried. */
  #try = false;
  #timer: Timer | null = null;

  /** @param mayTryAgain called when somebody who waits may try */
  constructor(clock: Clock, mayTryAgain: () => void) {
    this.#clock = clock;
    this.#mayTryAgain = mayTryAgain;
  }

  get goesOn(): boolean {
    return this.#goesOn;
  }

  /** Whether a connection may be tried; to be followed by `opening` when it is. */
  get mayOpen(): boolean {
    return !this.#goesOn || this.#try;
  }

  opening(): void {
    this.#try = false;
  }

  /** A connection was refused, or was given up before it opened. */
  failed(): void {
    this.#goesOn = true;
    this.#timer ??= this.#clock.timer(
      TRY_INTERVAL,
      () => {
        this.#timer = null;
        this.#try = true;
        this.#mayTryAgain();
      },
      { unref: true },
    );
  }

  /** A connection has opened. */
  back(): void {
    this.stop();
    this.#goesOn = false;
  }

  /** Nobody tries any more. */
  forGood(): void {
    this.stop();
    this.#goesOn = true;
    this.#try = false;
  }

  stop(): void {
    this.#timer?.clear();
    this.#timer = null;
  }
}
