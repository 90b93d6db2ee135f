/**
 * The attempts of one request: which connections run now (one, or two while hedging), which endpoints were tried, where
 * the next one goes, when, and whether it is allowed. Books each with the upstream at its beginning and at its end.
 */
import type { Clock, Milliseconds, Timer } from "@outrigger/core";
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
  /** What discovery and balancing gave last; null: they had none. */
  lastPick: Endpoint | null = null;
  readonly #exchange: AnswerReceiver;
  readonly #clock: Clock;
  readonly #pool: ConnectionPool;
  #settings!: Settings;
  /** For the next attempt after a pause, or for the hedge. */
  #timer: Timer | null = null;
  #charged = 0;
  #free = 0;
  /** How the next attempt was paid for. */
  #next: "first" | "charged" | "free" = "first";

  constructor(exchange: AnswerReceiver, clock: Clock, pool: ConnectionPool) {
    this.#exchange = exchange;
    this.#clock = clock;
    this.#pool = pool;
  }

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

  /** Before the next attempt: another endpoint is asked at once; the same ones again only after a pause. */
  pause(): Milliseconds {
    if (!this.allTried) return 0;
    const { upstream } = this.#settings;
    // How many times more than once around the endpoints is what the back-off grows with.
    return upstream.retry.backoff(Math.max(1, this.tried.length - upstream.endpoints.length + 1));
  }

  /** Calls `action` after so long, in place of what was planned before. */
  plan(delay: Milliseconds, action: () => void): void {
    this.unplan();
    this.#timer = this.#clock.timer(delay, () => {
      this.#timer = null;
      action();
    });
  }

  unplan(): void {
    this.#timer?.clear();
    this.#timer = null;
  }

  other(connection: UpstreamConnection): UpstreamConnection | null {
    return connection === this.first ? this.hedge : this.first;
  }

  /**
   * Begins an attempt at the endpoint that is picked; at another where that one's connections are all busy. null: none has
   * a place, or (and then lastPick is null, too) there is no endpoint at all.
   * @param repeatable the request may be sent twice, so that an idle connection of any age will do
   */
  start(repeatable: boolean, now: Milliseconds): UpstreamConnection | null {
    const { upstream } = this.#settings;
    let full: Endpoint[] | null = null;
    for (;;) {
      const endpoint = upstream.pick(now, full === null ? this.tried : [...this.tried, ...full]);
      this.lastPick = endpoint;
      if (endpoint === null || full?.includes(endpoint)) return null;
      const connection = this.#startAt(endpoint, repeatable, now);
      if (connection !== null) return connection;
      (full ??= []).push(endpoint);
    }
  }

  /** Asks an endpoint that was not asked yet as well, if there is one and hedging's cap allows; null otherwise. */
  startHedge(now: Milliseconds): UpstreamConnection | null {
    const { upstream } = this.#settings;
    const endpoint = upstream.pick(now, this.tried);
    if (endpoint === null || this.tried.includes(endpoint) || !upstream.hedge.take()) return null;
    this.hedge = this.#startAt(endpoint, true, now);
    if (this.hedge === null) upstream.hedge.giveBack();
    else upstream.hedge.sent();
    return this.hedge;
  }

  /** A connection to the endpoint, idle or being opened, booked as an attempt; null when there is no place for one. */
  #startAt(endpoint: Endpoint, repeatable: boolean, now: Milliseconds): UpstreamConnection | null {
    const settings = this.#settings;
    const connection =
      this.#pool.takeIdle(endpoint, settings, repeatable, now) ?? this.#pool.open(endpoint, settings, now);
    if (connection === null) return null;
    connection.exchange = this.#exchange;
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
    // A workload that dies breaks all that it has at once, and its gate repeats that when it is back: the budget is for
    // those who share an endpoint that has too much to do.
    const gated = this.#settings.options.hold > 0 && (failure === "reset" || failure === "stale");
    if (this.#charged >= retry.maxRetries || !retry.take(gated)) return false;
    this.#charged++;
    this.#next = gated ? "free" : "charged";
    return true;
  }

  /** An allowed attempt does not come about: the budget gets it back. */
  giveBack(): void {
    if (this.#next !== "first") this.#settings.upstream.retry.done(this.#next === "free");
    this.#next = "first";
  }
}
