/**
 * One request's wait for a connection: its place in the pool's line and, where it waits for the workload behind a gate,
 * how long: `hold` at most, from when that was found away.
 */
import { Deadline, type Milliseconds } from "@outrigger/core";
import type { ConnectionPool, Waiter } from "./connection-pool.ts";
import { lineIsFull, noSocket, workloadAway, type Reply } from "./reply.ts";
import type { Settings, WaitingExchange } from "./settings.ts";
import type { AttemptFailure } from "./upstream-connection.ts";

export class PlaceInLine {
  readonly #exchange: Waiter & WaitingExchange;
  readonly #pool: ConnectionPool;
  readonly #hold: Deadline<WaitingExchange>;
  #taken = false;
  /** `hold` has begun. */
  #held = false;
  #endpointKey = "";

  constructor(exchange: Waiter & WaitingExchange, pool: ConnectionPool) {
    this.#exchange = exchange;
    this.#pool = pool;
    this.#hold = new Deadline<WaitingExchange>(exchange);
  }

  /** Whether a request whose attempt failed like this, before a byte was sent, is held instead of tried elsewhere. */
  isFor(failure: AttemptFailure, settings: Settings): boolean {
    return settings.options.hold > 0 && (failure === "connect-failure" || failure === "connect-timeout");
  }

  /** Takes a place, to wait for a connection to this endpoint. Returns why it may not; null: it waits. */
  take(endpointKey: string, settings: Settings, now: Milliseconds): Reply | null {
    const pool = this.#pool;
    this.#endpointKey = endpointKey;
    if (pool.workloadIsGone && settings.options.hold > 0) return this.workloadGone();
    this.#taken = pool.wait(this.#exchange, settings);
    if (this.#taken) {
      if (pool.awaitsWorkload) this.holdBegins(settings, now);
      return null;
    }
    if (pool.lacksSockets) return noSocket("and the line is full (maxPending)");
    if (!pool.awaitsWorkload) return lineIsFull(endpointKey);
    return workloadAway(endpointKey, "the line of those who wait is full (maxPending)");
  }

  /** What it waits for in the line is the workload. */
  holdBegins(settings: Settings, now: Milliseconds): void {
    if (this.#held) return;
    this.#held = true;
    settings.holds.arm(this.#hold, now);
  }

  /** It does not wait for the workload any more: that is there, or the request is over. */
  holdEnds(settings: Settings): void {
    if (!this.#held) return;
    this.#held = false;
    settings.holds.disarm(this.#hold);
  }

  /** The pool has found a connection for it, or there is no endpoint to wait for. */
  served(settings: Settings): void {
    this.#taken = false;
    settings.upstream.limits.unpend();
  }

  /** The request is over. */
  leave(settings: Settings): void {
    this.holdEnds(settings);
    if (!this.#taken) return;
    this.#taken = false;
    this.#pool.leaveLine(this.#exchange, settings);
  }

  /** The answer when `hold` is over. */
  heldTooLong(settings: Settings): Reply {
    return workloadAway(this.#endpointKey, `was not back within ${settings.options.hold} ms (hold)`);
  }

  /** The answer when nobody waits any more. */
  workloadGone(): Reply {
    return { ...workloadAway(this.#endpointKey, "does not come back: its pod ends"), closes: true };
  }
}
