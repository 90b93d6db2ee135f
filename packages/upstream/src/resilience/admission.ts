/** Which requests come in at all: the local rate limit, then the limit of requests in flight (a circuit limit). */
import type { Milliseconds } from "@outrigger/core";
import type { Rejections } from "../instruments.ts";
import { TokenBucket } from "./token-bucket.ts";

export type Rejection = "max-requests" | "rate-limited";

export interface AdmissionSettings {
  readonly maxRequests: number;
  readonly rate: number;
  readonly burst: number;
}

export class Admission {
  /** Requests admitted and not yet released. */
  active = 0;
  #maxRequests: number;
  readonly #bucket: TokenBucket;
  readonly #rejections: Rejections;

  constructor(settings: AdmissionSettings, rejections: Rejections, now: Milliseconds) {
    this.#maxRequests = settings.maxRequests;
    this.#bucket = new TokenBucket(settings.rate, settings.burst, now);
    this.#rejections = rejections;
  }

  configure(settings: AdmissionSettings, now: Milliseconds): void {
    this.#maxRequests = settings.maxRequests;
    this.#bucket.configure(settings.rate, settings.burst, now);
  }

  /** The flight limit is asked first: a request that it refuses takes no token from the rate's bucket. */
  admit(now: Milliseconds): Rejection | null {
    if (this.#maxRequests > 0 && this.active >= this.#maxRequests) {
      this.#rejections["max-requests"].inc();
      return "max-requests";
    }
    if (!this.#bucket.take(now)) {
      this.#rejections["rate-limited"].inc();
      return "rate-limited";
    }
    this.active++;
    return null;
  }

  release(): void {
    if (this.active > 0) this.active--;
  }
}
