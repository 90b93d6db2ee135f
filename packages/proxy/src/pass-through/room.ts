/** What the requests of one pass-through share. */
import type { Agent } from "node:http";
import type HttpProxy from "http-proxy";
import type { Clock, Milliseconds } from "@outrigger/core";

export interface InFlight {
  readonly isTunnel: boolean;
  /** Ends it at once, on both sides. */
  cut(): void;
}

export interface Room {
  readonly proxy: HttpProxy;
  readonly clock: Clock;
  readonly connectTimeout: Milliseconds;
  readonly stallTimeout: Milliseconds;
  /** Connections that are used again, for requests that may be repeated when one turns out to be closed. */
  readonly kept: Agent;
  /** A connection for each request. */
  readonly single: Agent;
  /** The same, for tunnels: one side may end before the other. */
  readonly tunnels: Agent;
  readonly inFlight: Set<InFlight>;
  /** Called when one has left the set. */
  ended(): void;
}
