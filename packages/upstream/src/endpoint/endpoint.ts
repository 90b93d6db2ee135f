/** One place that answers: a plain object of one shape, so that the hot path reads its fields at fixed offsets. */
import type { Milliseconds } from "@outrigger/core";
import type { AdaptiveLimit } from "../resilience/adaptive-limit.ts";
import { formatHostPort } from "./address.ts";
import type { Outcome } from "./outcome.ts";

/** What discovery says of one endpoint. */
export interface Target {
  /** Identity: an endpoint whose key stays keeps its counts, health and connections. */
  readonly key: string;
  /** The host as configured or published, for TLS server name and Host: `catalog`, not `10.0.0.7`. */
  readonly name: string;
  /** Where to dial: an IP literal, or `localhost`. */
  readonly host: string;
  readonly port: number;
  readonly weight: number;
  /** RFC 2782: the lowest number that has an available endpoint is used. 0 everywhere but for SRV. */
  readonly priority: number;
}

export interface Endpoint {
  /** `host:port`, IPv6 in brackets. */
  readonly key: string;
  /** The host as configured or published, for TLS server name and Host. Changes in place if discovery renames it. */
  name: string;
  /** Where to dial. Changes in place only for a `static` name whose address changed; the key stays. */
  host: string;
  readonly port: number;
  /** Share of the traffic relative to the others; 0 = drained: gets nothing new. */
  weight: number;
  /** See Target. */
  priority: number;
  /** Requests of this process in flight to it. */
  active: number;
  /** Open connections, kept by the proxy through `limits`. */
  connections: number;
  /** Those of them that were upgraded (WebSocket): open for long, and no measure of what it can do at once. */
  tunnels: number;
  /** Discovery dropped it: what is in flight finishes, nothing new starts. */
  removed: boolean;
  /** Active health: false after failed probes. */
  healthy: boolean;
  /** Why the last probe failed; null while it passes. */
  healthReason: string | null;
  /** Passive health: until when it is ejected; 0 = not ejected. */
  ejectedUntil: Milliseconds;
  /** Why it was ejected last: the kind of evidence, in words for people. */
  ejectedFor: string | null;
  /** How often in a row it was ejected: the multiplier of the next ejection's length. Falls with time in service. */
  ejections: number;
  /** When the last ejection ended, for the fall of `ejections`. */
  returnedAt: Milliseconds;
  /** Back from ejection and not yet proven: one request at a time until the first success; a failure ejects again. */
  probation: boolean;
  /** Failures since the last success. */
  failuresInRow: number;
  /** Answers in the current success-rate interval, and those that were a success. */
  intervalTotal: number;
  intervalSuccesses: number;
  /** The ramp of slow start began then; -1 = no ramp. */
  rampSince: Milliseconds;
  /** What it can do at once, as learnt; null: that is not asked for. */
  adaptive: AdaptiveLimit | null;
  /** Smooth weighted round-robin's running value. */
  currentWeight: number;
  /** Attempts ended so far, by outcome, in the order of OUTCOMES; for metrics and the live view. */
  readonly outcomes: Record<Outcome, number>;
}

export function createEndpoint(target: Target): Endpoint {
  return {
    key: target.key,
    name: target.name,
    host: target.host,
    port: target.port,
    weight: target.weight,
    priority: target.priority,
    active: 0,
    connections: 0,
    tunnels: 0,
    removed: false,
    healthy: true,
    healthReason: null,
    ejectedUntil: 0,
    ejectedFor: null,
    ejections: 0,
    returnedAt: 0,
    probation: false,
    failuresInRow: 0,
    intervalTotal: 0,
    intervalSuccesses: 0,
    rampSince: -1,
    adaptive: null,
    currentWeight: 0,
    outcomes: { success: 0, "server-error": 0, "connect-failure": 0, reset: 0, timeout: 0, cancelled: 0 },
  };
}

/** A target that is its own identity: dialled where it is named. */
export function targetAt(host: string, port: number, weight = 1, name = host, priority = 0): Target {
  return { key: formatHostPort(host, port), name, host, port, weight, priority };
}
