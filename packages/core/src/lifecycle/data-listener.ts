/** What a pattern tells the lifecycle of one port on which data flows. */

import type { Milliseconds } from "../units.ts";
import type { Gate } from "./gate.ts";

/** egress: the workload calls out through it. ingress: the platform calls in through it. */
export type ListenerRole = "egress" | "ingress";

export interface DataListener {
  readonly name: string;
  readonly role: ListenerRole;
  /** Where it listens, once started: `127.0.0.1:8001`. The "ready" log line shows it. */
  readonly addresses?: readonly string[];
  /** Of an ingress listener. */
  readonly gate?: Gate | undefined;
  /** Draining begins now, whatever is to be waited for before `stopAccepting`. At `graceEnds`, after `grace`, all is cut. */
  drainBegins?(graceEnds: AbortSignal, grace: Milliseconds): void;
  /** Closes the listening sockets; what is connected stays. Idempotent. When the signal aborts: at once. */
  stopAccepting(signal: AbortSignal): Promise<void>;
  /** Client connections that are open now. */
  connections(): number;
  /**
   * Client connections accepted so far. With it, draining also sees connections that came and went between two looks
   * at `connections()`, so that a workload which connects anew for each call does not seem gone.
   */
  accepted?(): number;
  /** Requests in flight now. */
  inFlight(): number;
  /**
   * Answers what is in flight with `connection: close`, closes idle connections, resolves when none is left.
   * When the signal aborts: destroys the rest and resolves with how many it cut.
   */
  drain(signal: AbortSignal): Promise<number>;
}
