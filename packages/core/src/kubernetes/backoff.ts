/**
 * Pauses with full jitter (Brooker, Exponential Backoff And Jitter): uniform in [0, min(most, least * 2^n)), n the failures in
 * a row before. A server's Retry-After is waited for in any case, and the pause added: all were told the same.
 */
import type { Milliseconds } from "../units.ts";

export class Backoff {
  readonly #least: Milliseconds;
  readonly #most: Milliseconds;
  readonly #random: () => number;
  #failures = 0;

  constructor(least: Milliseconds, most: Milliseconds, random: () => number) {
    this.#least = least;
    this.#most = most;
    this.#random = random;
  }

  next(retryAfter: Milliseconds = 0): Milliseconds {
    const ceiling = Math.min(this.#most, this.#least * 2 ** Math.min(30, this.#failures++));
    return retryAfter + ceiling * this.#random();
  }

  reset(): void {
    this.#failures = 0;
  }
}

/** In milliseconds; an API server gives whole seconds. null: there is none that can be read. */
export function readRetryAfter(header: string | undefined): Milliseconds | null {
  return header !== undefined && /^\d{1,6}$/.test(header) ? Number(header) * 1_000 : null;
}
