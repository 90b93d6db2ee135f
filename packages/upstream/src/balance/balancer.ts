/** What a balancing policy is, and the rules that all of them keep. */
import type { Milliseconds } from "@outrigger/core";
import type { Endpoint } from "../endpoint/endpoint.ts";
import type { Pool } from "./pool.ts";

export interface Balancer {
  /**
   * One of the pool's eligible endpoints: one that is not in `avoid` while there is another; among those one that is
   * not waiting for its probation's answer while there is another. null: none is eligible.
   */
  choose(pool: Pool, avoid: readonly Endpoint[], now: Milliseconds): Endpoint | null;
}

/** 2: take it. 1: on probation and its one request is under way. 0: already tried. */
export function preference(endpoint: Endpoint, avoid: readonly Endpoint[]): 0 | 1 | 2 {
  // indexOf, and only if there is something to find: most picks are first attempts.
  if (avoid.length > 0 && avoid.indexOf(endpoint) >= 0) return 0;
  return endpoint.probation && endpoint.active > 0 ? 1 : 2;
}

/** The least share in slow start: enough traffic to warm up with, as Envoy's min_weight_percent. */
const LEAST_RAMP = 0.1;

/**
 * The part of its weight that an endpoint in slow start has now: max(10 %, time since its return / slowStart), 1 for
 * every other endpoint. (Envoy's formula with aggression 1.)
 */
export function ramp(endpoint: Endpoint, slowStart: Milliseconds, now: Milliseconds): number {
  if (endpoint.rampSince < 0) return 1;
  const done = (now - endpoint.rampSince) / slowStart;
  if (done < 1) return Math.max(LEAST_RAMP, done);
  endpoint.rampSince = -1;
  return 1;
}
