/**
 * The attempts of one request: which connections run now (one, or two while hedging), which endpoints were tried, and
 * whether another attempt is allowed. Books each attempt with the upstream at its beginning and at its end.
 */
import type { Milliseconds } from "@outrigger/core";
import type { Endpoint, Outcome } from "@outrigger/upstream";
import type { ConnectionPool } from "./connection-pool.ts";
import type { Settings } from "./settings.ts";
import type { AnswerReceiver, AttemptFailure, UpstreamConnection } from "./upstream-connection.ts";

export class Attempts {
  /** The attempt that runs, and its hedge. */
  first: UpstreamConnection | null = null;
  hedge: UpstreamConnection | null = null;
  count = 0;
  readonly tried: Endpoint[] = [];
  #settings!: Settings;
  #charged = 0;
  #free = 0;
  /** How the next attempt was paid for. */
  #next: "first" | "charged" | "free" = "first";

  begin(settings: Settings): void {
    this.#settings = settings;
    this.count = this.#charged = this.#free = 0;
    this.#next = "first";
    // Setting its length would cost more than all the rest here.
    while (this.tried.length > 0) this.tried.pop();
  }

  get none(): boolean {
    return this.first === null && this.hedge === null;
  }

  get allTried(): boolean {
    return this.#settings.upstream.endpoints.every((endpoint) => this.tried.includes(endpoint));
  }

  /** How many times more than once around the endpoints: what the back-off grows with. */
  get rounds(): number {
    return Math.max(1, this.tried.length - this.#settings.upstream.endpoints.length + 1);
  }

  other(connection: UpstreamConnection): UpstreamConnection | null {
    return connection === this.first ? this.hedge : this.first;
  }

  /**
   * A connection to the endpoint, idle or being opened, booked as an attempt; null when its connections are all busy.
   * @param repeatable the request may be sent twice, so that an idle connection of any age will do
   */
  start(
    endpoint: Endpoint,
    exchange: AnswerReceiver,
    pool: ConnectionPool,
    repeatable: boolean,
    now: Milliseconds,
  ): UpstreamConnection | null {
    const connection =
      pool.takeIdle(endpoint, this.#settings, repeatable, now) ?? pool.open(endpoint, this.#settings, now);
    if (connection === null) return null;
    connection.exchange = exchange;
    connection.attemptAt = now;
    connection.latency = 0;
    connection.retryKind = this.#next;
    this.#next = "first";
    this.#settings.upstream.started(endpoint);
    this.tried.push(endpoint);
    this.count++;
    return connection;
  }

  /** The attempt at this endpoint did not come about for want of a socket: it may be made later. */
  uncount(endpoint: Endpoint): void {
    const at = this.tried.lastIndexOf(endpoint);
    if (at >= 0) this.tried.splice(at, 1);
    this.count--;
  }

  /** Books an attempt's end; false when it had been booked already. The connection is left to the caller. */
  end(connection: UpstreamConnection, outcome: Outcome, now: Milliseconds): boolean {
    if (this.first === connection) this.first = null;
    else if (this.hedge === connection) this.hedge = null;
    else return false;
    const { upstream } = this.#settings;
    const latency = connection.latency > 0 ? connection.latency : now - connection.attemptAt;
    if (connection.retryKind !== "first") upstream.retry.done(connection.retryKind === "free");
    connection.retryKind = "first";
    upstream.ended(connection.endpoint, outcome, latency, now);
    return true;
  }

  /**
   * Whether one more attempt is allowed; takes it from the budget if so. Free are those after an attempt of which no byte
   * was sent, and after the first stale connection, which is nobody's fault: a restarting endpoint costs no request.
   */
  mayRetry(failure: AttemptFailure | "status", nothingSent: boolean): boolean {
    const { retry } = this.#settings.upstream;
    if (nothingSent || (failure === "stale" && this.#free === 0)) {
      if (this.#free >= retry.maxFree || !retry.take(true)) return false;
      this.#free++;
      this.#next = "free";
      return true;
    }
    if (this.#charged >= retry.maxRetries || !retry.take(false)) return false;
    this.#charged++;
    this.#next = "charged";
    return true;
  }

  /** An allowed attempt does not come about: the budget gets it back. */
  giveBack(): void {
    if (this.#next !== "first") this.#settings.upstream.retry.done(this.#next === "free");
    this.#next = "first";
  }
}
