/**
 * Retry budget: retries under way <= floor(share x requests in flight) + reserve. So retries can never multiply the
 * load of an upstream that fails as a whole (retry storm), while a single failing endpoint is covered.
 *
 * Sources: Envoy's `retry_budget` (share of active requests, with `min_retry_concurrency`), Finagle's RetryBudget
 * (share of recent requests plus a reserve a second). Ours differs: the reserve is added to the share instead of being
 * its minimum, and an attempt of which no byte was sent (a refused connection, a kept connection that turned out to be
 * closed) is free, because it put no work on any endpoint; `maxFree` bounds those for one request.
 *
 * Backoff is full jitter, random(0, min(max, base x 2^(n-1))), from "Exponential Backoff And Jitter" (AWS, 2015).
 */
import type { Milliseconds } from "@outrigger/core";
import type { RetryInstruments } from "../instruments.ts";

export interface RetrySettings {
  readonly retries: number;
  readonly retryBudget: number;
  readonly retryReserve: number;
  readonly backoffBase: Milliseconds;
  readonly backoffMax: Milliseconds;
}

export class RetryBudget {
  /** Charged retries under way. */
  retrying = 0;
  #settings: RetrySettings;
  readonly #load: { readonly active: number };
  readonly #endpoints: { readonly size: number };
  readonly #random: () => number;
  readonly #count: RetryInstruments;

  constructor(
    settings: RetrySettings,
    load: { readonly active: number },
    endpoints: { readonly size: number },
    random: () => number,
    count: RetryInstruments,
  ) {
    this.#settings = settings;
    this.#load = load;
    this.#endpoints = endpoints;
    this.#random = random;
    this.#count = count;
  }

  configure(settings: RetrySettings): void {
    this.#settings = settings;
  }

  /** Charged attempts after the first, of one request. The caller counts them. */
  get maxRetries(): number {
    return this.#settings.retries;
  }

  /** Free attempts of one request: each endpoint may refuse once and each retry once more. The caller counts them. */
  get maxFree(): number {
    return this.#settings.retries === 0 ? 0 : this.#settings.retries + this.#endpoints.size;
  }

  /** Charged retries that may be under way now. */
  get allowed(): number {
    // The small addend: 0.2 x 15 is 3.0000000000000004 in binary, but 0.29 x 100 is 28.999999999999996.
    return Math.floor(this.#settings.retryBudget * this.#load.active + 1e-9) + this.#settings.retryReserve;
  }

  /**
   * Asks for one retry, before its backoff. If granted, call `done` with the same `free` when that attempt has ended.
   * @param free no byte of the attempt before was sent: costs nothing
   */
  take(free: boolean): boolean {
    if (free) {
      this.#count.free.inc();
      return true;
    }
    if (this.retrying >= this.allowed) {
      this.#count.exhausted.inc();
      return false;
    }
    this.retrying++;
    this.#count.charged.inc();
    return true;
  }

  done(free: boolean): void {
    if (!free && this.retrying > 0) this.retrying--;
  }

  /** @param retryNumber 1 for the first retry */
  backoff(retryNumber: number): Milliseconds {
    const { backoffBase, backoffMax } = this.#settings;
    return this.#random() * Math.min(backoffMax, backoffBase * 2 ** Math.max(0, retryNumber - 1));
  }
}
