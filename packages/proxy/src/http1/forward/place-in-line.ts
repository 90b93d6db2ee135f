/**
 * One request's wait for a connection: its place in the pool's line and how long it may stand there: `maxWait`, or, while
 * it waits for the workload behind a gate, `hold` from when that was found away.
 */
import { Deadline, type Milliseconds } from "@outrigger/core";
import type { ConnectionPool, Waiter } from "./connection-pool.ts";
import { lineIsFull, noPlace, noSocket, workloadAway, type Reply } from "./reply.ts";
import type { Settings, WaitingExchange } from "./settings.ts";

export class PlaceInLine {
  readonly #exchange: Waiter & WaitingExchange;
  readonly #pool: ConnectionPool;
  readonly #limit: Deadline<WaitingExchange>;
  #taken = false;
  /** `hold` has begun. */
  #held = false;
  #endpointKey = "";
  /** Counted in the pool's. */
  #bytes = 0;

  constructor(exchange: Waiter & WaitingExchange, pool: ConnectionPool) {
    this.#exchange = exchange;
    this.#pool = pool;
    this.#limit = new Deadline<WaitingExchange>(exchange);
  }

  /** Takes a place, to wait for a connection to this endpoint. Returns why it may not; null: it waits. */
  take(endpointKey: string, settings: Settings, now: Milliseconds): Reply | null {
    const pool = this.#pool;
    this.#endpointKey = endpointKey;
    if (pool.workloadIsGone && settings.options.hold > 0) return this.workloadGone();
    const bytes = this.#exchange.heldBytes;
    const { maxPendingBytes } = settings.options;
    if (bytes > 0 && pool.waitingBytes + bytes > maxPendingBytes)
      return this.#full(
        endpointKey,
        `those who wait hold ${maxPendingBytes} bytes of bodies (maxPendingBytes)`,
      );
    this.#taken = pool.wait(this.#exchange, settings);
    if (this.#taken) {
      this.#bytes = bytes;
      pool.waitingBytes += bytes;
      if (pool.awaitsWorkload && settings.options.hold > 0) this.holdBegins(settings, now);
      else settings.waits.arm(this.#limit, now);
      return null;
    }
    return this.#full(endpointKey, "the line is full (maxPending)");
  }

  #full(endpointKey: string, why: string): Reply {
    const pool = this.#pool;
    if (pool.lacksSockets) return noSocket(`and ${why}`);
    return pool.awaitsWorkload ? workloadAway(endpointKey, pool.whyAway, why) : lineIsFull(endpointKey, why);
  }

  /** What it waits for in the line is the workload. */
  holdBegins(settings: Settings, now: Milliseconds): void {
    if (this.#held || settings.options.hold === 0) return;
    this.#held = true;
    settings.holds.arm(this.#limit, now);
  }

  /** The workload is there: from here on it waits as others do. */
  holdEnds(settings: Settings, now: Milliseconds): void {
    if (!this.#held) return;
    this.sent(settings);
    if (this.#taken) settings.waits.arm(this.#limit, now);
  }

  /** It does not wait any more. */
  sent(settings: Settings): void {
    this.#held = false;
    settings.holds.disarm(this.#limit);
    settings.waits.disarm(this.#limit);
  }

  /** The pool has found a connection for it, or there is no endpoint to wait for. */
  served(settings: Settings): void {
    this.#gone();
    settings.waits.disarm(this.#limit);
    settings.upstream.limits.unpend();
  }

  /** The request is over. */
  leave(settings: Settings): void {
    this.sent(settings);
    if (!this.#taken) return;
    this.#gone();
    this.#pool.leaveLine(this.#exchange, settings);
  }

  #gone(): void {
    this.#taken = false;
    this.#pool.waitingBytes -= this.#bytes;
    this.#bytes = 0;
  }

  /** The answer when its time is over. */
  waitedTooLong(kind: "held" | "pending", { options }: Settings): Reply {
    if (kind === "pending") return noPlace(this.#endpointKey, options.maxWait);
    const why = `it was not back within ${options.hold} ms (hold)`;
    return workloadAway(this.#endpointKey, this.#pool.whyAway, why);
  }

  /** The answer when nobody waits any more. */
  workloadGone(): Reply {
    const why = "it does not come back: its pod ends";
    return { ...workloadAway(this.#endpointKey, this.#pool.whyAway, why), closes: true };
  }
}
