/**
 * Smooth weighted round-robin, as nginx (src/http/ngx_http_upstream_round_robin.c, since 1.3.1): at each pick every
 * endpoint's current weight grows by its weight, the largest is taken and falls by the sum. With weights 5, 1, 1 the
 * order is a a b a c a a, not a a a a a b c. With equal weights that is plain taking of turns, done by a cursor.
 */
import type { Milliseconds } from "@outrigger/core";
import type { Endpoint } from "../endpoint/endpoint.ts";
import { preference, ramp, type Balancer } from "./balancer.ts";
import type { Pool } from "./pool.ts";

export class RoundRobin implements Balancer {
  readonly #slowStart: Milliseconds;
  #cursor = -1;
  #pool: Pool | null = null;

  constructor(slowStart: Milliseconds) {
    this.#slowStart = slowStart;
  }

  choose(pool: Pool, avoid: readonly Endpoint[], now: Milliseconds): Endpoint | null {
    const { eligible } = pool;
    if (eligible.length <= 1) return eligible[0] ?? null;
    if (pool !== this.#pool) {
      this.#pool = pool;
      // The sum of current weights must be 0: start anew with the new set.
      for (const endpoint of eligible) endpoint.currentWeight = 0;
    }
    let best = -1;
    for (const endpoint of eligible) {
      const rank = preference(endpoint, avoid);
      if (rank > best) best = rank;
      if (best === 2) break;
    }
    const weighted = pool.cumulativeWeight !== null || this.#isRamping(eligible);
    return weighted ? this.#smooth(eligible, avoid, best, now) : this.#turn(eligible, avoid, best);
  }

  #turn(eligible: readonly Endpoint[], avoid: readonly Endpoint[], rank: number): Endpoint | null {
    for (let step = 1; step <= eligible.length; step++) {
      const index = (this.#cursor + step) % eligible.length;
      const endpoint = eligible[index] as Endpoint;
      if (preference(endpoint, avoid) < rank) continue;
      this.#cursor = index;
      return endpoint;
    }
    return null;
  }

  #smooth(
    eligible: readonly Endpoint[],
    avoid: readonly Endpoint[],
    rank: number,
    now: Milliseconds,
  ): Endpoint | null {
    let sum = 0;
    let best: Endpoint | null = null;
    for (const endpoint of eligible) {
      if (preference(endpoint, avoid) < rank) continue;
      const weight = endpoint.weight * ramp(endpoint, this.#slowStart, now);
      sum += weight;
      endpoint.currentWeight += weight;
      if (!best || endpoint.currentWeight > best.currentWeight) best = endpoint;
    }
    if (best) best.currentWeight -= sum;
    return best;
  }

  #isRamping(eligible: readonly Endpoint[]): boolean {
    for (const endpoint of eligible) if (endpoint.rampSince >= 0) return true;
    return false;
  }
}
