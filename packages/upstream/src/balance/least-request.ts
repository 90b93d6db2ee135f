/**
 * Least request by power of two choices (Mitzenmacher, "The Power of Two Choices in Randomized Load Balancing", 2001):
 * draw two endpoints, take the one with fewer requests in flight. No herd, O(1), and a slow endpoint sheds its load
 * by itself.
 *
 * Where weights differ, both are drawn in proportion to weight and the smaller (in flight / weight) wins: idle, the
 * shares are exactly the weights; busy, requests in flight settle in proportion to weight. Envoy instead changes to a
 * scheduled round-robin with weight / (in flight + 1)^bias, which needs a heap and takes a stale weight's word until
 * the endpoint's next turn; two weighted draws keep the same aim in O(log n).
 */
import type { Milliseconds } from "@outrigger/core";
import type { Endpoint } from "../endpoint/endpoint.ts";
import { preference, ramp, type Balancer } from "./balancer.ts";
import type { Pool } from "./pool.ts";

/** Draws that slow start may reject before any draw is taken. */
const DRAWS = 8;

export class LeastRequest implements Balancer {
  readonly #random: () => number;
  readonly #slowStart: Milliseconds;

  constructor(random: () => number, slowStart: Milliseconds) {
    this.#random = random;
    this.#slowStart = slowStart;
  }

  choose(pool: Pool, avoid: readonly Endpoint[], now: Milliseconds): Endpoint | null {
    const { eligible } = pool;
    if (eligible.length <= 1) return eligible[0] ?? null;
    const first = this.#draw(pool, -1, now);
    const second = this.#draw(pool, first, now);
    const one = eligible[first] as Endpoint;
    const other = eligible[second] as Endpoint;
    if (preference(one, avoid) < 2 || preference(other, avoid) < 2) return this.#scan(eligible, avoid);
    return other.active * one.weight < one.active * other.weight ? other : one;
  }

  /** An index other than `besides`, in proportion to weight and to slow start's ramp. */
  #draw(pool: Pool, besides: number, now: Milliseconds): number {
    const { eligible, cumulativeWeight } = pool;
    let index = 0;
    for (let draw = 0; draw < DRAWS; draw++) {
      if (cumulativeWeight) {
        index = this.#drawWeighted(cumulativeWeight);
        // A heavy endpoint is drawn twice more often than not; then its rival is simply not asked.
        if (index === besides) return index;
      } else if (besides < 0) {
        index = Math.floor(this.#random() * eligible.length);
      } else {
        index = Math.floor(this.#random() * (eligible.length - 1));
        if (index >= besides) index++;
      }
      const endpoint = eligible[index] as Endpoint;
      if (endpoint.rampSince < 0 || this.#random() < ramp(endpoint, this.#slowStart, now)) break;
    }
    return index;
  }

  #drawWeighted(sums: Float64Array): number {
    const last = sums.length - 1;
    const point = this.#random() * (sums[last] as number);
    let low = 0;
    let high = last;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (point < (sums[middle] as number)) high = middle;
      else low = middle + 1;
    }
    return low;
  }

  /**
   * A retry, or an endpoint on probation was drawn: the least loaded of all that are preferred. Rare, so O(n) is fine.
   * Ties are broken by a fair draw among them (reservoir sampling).
   */
  #scan(eligible: readonly Endpoint[], avoid: readonly Endpoint[]): Endpoint {
    let best = eligible[0] as Endpoint;
    let bestPreference = -1;
    let ties = 0;
    for (const endpoint of eligible) {
      const rank = preference(endpoint, avoid);
      const order =
        rank !== bestPreference
          ? rank - bestPreference
          : best.active * endpoint.weight - endpoint.active * best.weight;
      if (order < 0) continue;
      ties = order > 0 ? 1 : ties + 1;
      if (ties > 1 && this.#random() * ties >= 1) continue;
      best = endpoint;
      bestPreference = rank;
    }
    return best;
  }
}
