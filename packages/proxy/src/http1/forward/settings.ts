/**
 * What one listener does with a request, as an immutable snapshot: a reload makes a new one, and each request finishes
 * under the one that it began with.
 */
import { DeadlineQueue, type Clock, type Milliseconds } from "@outrigger/core";
import type { Upstream } from "@outrigger/upstream";
import type { UpstreamTls } from "./upstream-tls.ts";

/** After the last answer a client gets this long to read it and close; what it still sends is read and dropped. */
const LINGER: Milliseconds = 2_000;
/** While draining, how long an idle connection may still bring a request before it is closed. */
const IDLE_DRAIN: Milliseconds = 500;

/** What a request may run into; "held" and "pending" while it waits in the line. */
export type ExchangeLimit = "stalled" | "overall" | "held" | "pending";

/** Who waits in the queues, as far as a deadline needs to know. */
interface WaitingClient {
  headTimedOut(): void;
  idleTimedOut(): void;
  drainTimedOut(): void;
  destroy(): void;
}
export interface WaitingExchange {
  timedOut(kind: ExchangeLimit): void;
}
interface WaitingAttempt {
  connectTimedOut(): void;
  tryTimedOut(): void;
}
interface SilentTunnel {
  broke(): void;
}

/** All spans in milliseconds; 0 turns a limit off. */
export interface Http1Options {
  /** From the first byte of a request head to its last; a connection that has sent nothing yet has idleTimeout. */
  readonly headTimeout: Milliseconds;
  /** How long a client's connection may wait for its next request. */
  readonly idleTimeout: Milliseconds;
  /** How long a request may make no progress in either direction, a stopped reader's included. */
  readonly stallTimeout: Milliseconds;
  /** TCP and TLS handshake with an endpoint. */
  readonly connectTimeout: Milliseconds;
  /** From an attempt's first byte sent to its answer's head. */
  readonly perTryTimeout: Milliseconds;
  /** From a request's head to the last byte of its answer, retries included. Upgraded connections are exempt. */
  readonly timeout: Milliseconds;
  /** How long a request waits for a workload that refuses connections; for a gate, which has one endpoint. */
  readonly hold: Milliseconds;
  /** How long a request waits in the line for a place with an endpoint that is there. */
  readonly maxWait: Milliseconds;
  /** Bytes of bodies that those in the line may hold together; who would exceed it is turned away. */
  readonly maxPendingBytes: number;
  /** How long an upstream connection is kept for reuse; an endpoint's `Keep-Alive: timeout=` hint takes its place. */
  readonly upstreamIdleTimeout: Milliseconds;
  /** How long an upgraded connection may be silent in both directions. */
  readonly tunnelIdleTimeout: Milliseconds;
  readonly maxHeadBytes: number;
  readonly maxHeadFields: number;
  /** Statuses of an answer for which an idempotent request is tried elsewhere. */
  readonly retryStatuses: ReadonlySet<number>;
  /** Bytes of an idempotent request's body that are kept for a retry; a longer body is sent once. */
  readonly retryBodyBytes: number;
  /** Add X-Forwarded-For, -Proto (and -Host where `host` replaces it). */
  readonly forwarded: boolean;
  /** Sent as Host instead of the client's; null leaves the client's. */
  readonly host: string | null;
  /** Answers carry x-outrigger-endpoint, -attempts and -reason. */
  readonly explain: boolean;
}

export const HTTP1_DEFAULTS: Http1Options = {
  headTimeout: 15_000,
  idleTimeout: 3_600_000,
  stallTimeout: 300_000,
  connectTimeout: 2_000,
  perTryTimeout: 0,
  timeout: 0,
  hold: 0,
  maxWait: 0,
  maxPendingBytes: 16 * 1024 ** 2,
  upstreamIdleTimeout: 4_000,
  tunnelIdleTimeout: 3_600_000,
  maxHeadBytes: 32 * 1024,
  maxHeadFields: 100,
  retryStatuses: new Set([502, 503, 504]),
  retryBodyBytes: 0,
  forwarded: true,
  host: null,
  explain: false,
};

export class Settings {
  readonly options: Http1Options;
  readonly upstream: Upstream;
  readonly tls: UpstreamTls | null;
  readonly heads: DeadlineQueue<WaitingClient>;
  readonly idles: DeadlineQueue<WaitingClient>;
  readonly stalls: DeadlineQueue<WaitingExchange>;
  readonly overall: DeadlineQueue<WaitingExchange>;
  readonly holds: DeadlineQueue<WaitingExchange>;
  readonly waits: DeadlineQueue<WaitingExchange>;
  readonly connects: DeadlineQueue<WaitingAttempt>;
  readonly tries: DeadlineQueue<WaitingAttempt>;
  readonly tunnels: DeadlineQueue<SilentTunnel>;
  /** For a tunnel whose both sides have ended, and have not read all. */
  readonly lastTunnelBytes: DeadlineQueue<SilentTunnel>;
  /** For a client that must read its last answer, and then close. */
  readonly lastBytes: DeadlineQueue<WaitingClient>;
  readonly lingers: DeadlineQueue<WaitingClient>;
  /** While draining: for a client that may be sending its next request just now. */
  readonly drains: DeadlineQueue<WaitingClient>;
  readonly #retryStatuses = new Uint8Array(600);

  constructor(clock: Clock, options: Http1Options, upstream: Upstream, tls: UpstreamTls | null) {
    this.options = options;
    this.upstream = upstream;
    this.tls = tls;
    for (const status of options.retryStatuses) this.#retryStatuses[status] = 1;
    this.heads = new DeadlineQueue(clock, options.headTimeout, (client) => client.headTimedOut());
    this.idles = new DeadlineQueue(clock, options.idleTimeout, (client) => client.idleTimedOut());
    this.stalls = new DeadlineQueue(clock, options.stallTimeout, (exchange) => exchange.timedOut("stalled"));
    this.overall = new DeadlineQueue(clock, options.timeout, (exchange) => exchange.timedOut("overall"));
    this.holds = new DeadlineQueue(clock, options.hold, (exchange) => exchange.timedOut("held"));
    this.waits = new DeadlineQueue(clock, options.maxWait, (exchange) => exchange.timedOut("pending"));
    this.connects = new DeadlineQueue(clock, options.connectTimeout, (upstream) =>
      upstream.connectTimedOut(),
    );
    this.tries = new DeadlineQueue(clock, options.perTryTimeout, (upstream) => upstream.tryTimedOut());
    this.tunnels = new DeadlineQueue(clock, options.tunnelIdleTimeout, (tunnel) => tunnel.broke());
    this.lastTunnelBytes = new DeadlineQueue(clock, options.stallTimeout, (tunnel) => tunnel.broke());
    this.lastBytes = new DeadlineQueue(clock, options.stallTimeout, (client) => client.destroy());
    this.drains = new DeadlineQueue(clock, IDLE_DRAIN, (client) => client.drainTimedOut());
    this.lingers = new DeadlineQueue(clock, LINGER, (client) => client.destroy());
  }

  /** Whether an answer with this status makes an idempotent request be tried elsewhere. */
  retriesStatus(status: number): boolean {
    return this.#retryStatuses[status] === 1;
  }

  /** Other settings have taken their place: whoever waits under these still does, and the last one takes the timer. */
  retire(): void {
    for (const queue of this.#queues()) queue.retire();
  }

  /** Stops the timers; whoever still waits in a queue of these settings waits without a limit. */
  clear(): void {
    for (const queue of this.#queues()) queue.clear();
  }

  #queues(): readonly Pick<DeadlineQueue<unknown>, "retire" | "clear">[] {
    return [
      this.heads,
      this.idles,
      this.stalls,
      this.overall,
      this.holds,
      this.waits,
      this.connects,
      this.tries,
      this.tunnels,
      this.lastTunnelBytes,
      this.drains,
      this.lastBytes,
      this.lingers,
    ];
  }
}
