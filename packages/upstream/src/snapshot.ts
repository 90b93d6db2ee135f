/** An upstream as people see it: `/explain`, the readiness view, the live screen. */
import { formatDuration, type Milliseconds } from "@outrigger/core";
import type { Pool } from "./balance/pool.ts";
import type { DiscoverySnapshot } from "./discovery/discovery.ts";
import type { Endpoint } from "./endpoint/endpoint.ts";
import { stateOf, type EndpointState } from "./instruments.ts";

export interface EndpointSnapshot {
  readonly key: string;
  /** Where it is dialled. */
  readonly host: string;
  readonly state: EndpointState;
  /** Why it is in that state, in words; null if there is nothing to say. */
  readonly why: string | null;
  readonly weight: number;
  readonly priority: number;
  readonly active: number;
  readonly connections: number;
  /** Requests at once, as learnt (adaptiveConcurrency); null: not asked for. */
  readonly concurrencyLimit: number | null;
  /** How long the ejection still lasts; 0 = not ejected. */
  readonly ejectedFor: Milliseconds;
  /** Attempts that ended so far, by outcome. */
  readonly outcomes: Endpoint["outcomes"];
}

export interface UpstreamSnapshot {
  readonly name: string;
  readonly endpoints: readonly EndpointSnapshot[];
  /** Endpoints that count, and those of them that are available. */
  readonly members: number;
  readonly available: number;
  /** So few are available that all are used. */
  readonly panic: boolean;
  /** Requests in flight, those that wait for a connection, and charged retries under way of those allowed now. */
  readonly active: number;
  readonly pending: number;
  readonly retrying: number;
  readonly retriesAllowed: number;
  /** Infinity: not hedging now. */
  readonly hedgeDelay: Milliseconds;
  readonly discovery: DiscoverySnapshot;
}

export function describeEndpoint(endpoint: Endpoint, now: Milliseconds): EndpointSnapshot {
  const left = endpoint.ejectedUntil === 0 ? 0 : Math.max(0, endpoint.ejectedUntil - now);
  return {
    key: endpoint.key,
    host: endpoint.host,
    state: stateOf(endpoint),
    why: why(endpoint, left),
    weight: endpoint.weight,
    priority: endpoint.priority,
    active: endpoint.active,
    connections: endpoint.connections,
    concurrencyLimit: endpoint.adaptive?.limit ?? null,
    ejectedFor: left,
    outcomes: { ...endpoint.outcomes },
  };
}

/** All members out of service: the sentence that a 503 may carry. */
export function describePool(pool: Pool): string {
  if (pool.members === 0) return "no endpoint is known";
  return `${pool.available} of ${pool.members} endpoints available${pool.panic ? ", so all are used (panic)" : ""}`;
}

function why(endpoint: Endpoint, left: Milliseconds): string | null {
  const reasons: string[] = [];
  if (endpoint.weight === 0) reasons.push("weight 0");
  if (!endpoint.healthy) reasons.push(`health check: ${endpoint.healthReason ?? "failed"}`);
  if (endpoint.ejectedUntil !== 0) {
    reasons.push(`ejected for ${formatDuration(Math.ceil(left))} more: ${endpoint.ejectedFor ?? "outlier"}`);
  }
  if (endpoint.probation) reasons.push("back on probation: one request at a time until the first success");
  if (endpoint.rampSince >= 0) reasons.push("slow start");
  return reasons.length > 0 ? reasons.join("; ") : null;
}
