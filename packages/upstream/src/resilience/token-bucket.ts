/**
 * Token bucket (RFC 2697's idea with one colour): `rate` tokens a second flow in, `burst` fit, one is taken for each
 * admission. So in any span T at most `burst + rate x T` are admitted. Refilled by arithmetic when asked, not by a timer.
 */
import type { Milliseconds } from "@outrigger/core";

export class TokenBucket {
  #rate = 0;
  #burst = 0;
  #tokens = 0;
  #at: Milliseconds = 0;

  /** @param rate per second; 0 = every take succeeds. @param burst 0 = what flows in within a second, at least 1. */
  constructor(rate: number, burst: number, now: Milliseconds) {
    this.#at = now;
    this.#set(rate, burst);
    this.#tokens = this.#burst;
  }

  /** New limits; tokens already there stay, as far as they fit. */
  configure(rate: number, burst: number, now: Milliseconds): void {
    const wasOff = this.#rate === 0;
    this.#refill(now);
    this.#set(rate, burst);
    this.#tokens = wasOff ? this.#burst : Math.min(this.#tokens, this.#burst);
  }

  take(now: Milliseconds): boolean {
    if (this.#rate === 0) return true;
    this.#refill(now);
    if (this.#tokens < 1) return false;
    this.#tokens--;
    return true;
  }

  #set(rate: number, burst: number): void {
    this.#rate = rate;
    this.#burst = burst > 0 ? burst : Math.max(1, rate);
  }

  #refill(now: Milliseconds): void {
    if (now <= this.#at) return;
    this.#tokens = Math.min(this.#burst, this.#tokens + ((now - this.#at) * this.#rate) / 1000);
    this.#at = now;
  }
}
