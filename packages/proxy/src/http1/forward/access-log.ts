/** Log lines about requests: a sample of those that went well, and what the proxy had to answer or cut by itself. */
import type { Clock, Logger, Milliseconds } from "@outrigger/core";
import type { Reply } from "./reply.ts";

/** A world that is down makes every request fail: the log says so this often a second, and how much it left out. */
const MOST_FAILURES_A_SECOND = 10;
const SECOND: Milliseconds = 1_000;

/** What a line tells of a request: an exchange. */
export interface LoggedExchange {
  /** The head as it was sent on. */
  readonly headText: string;
  readonly status: number;
  readonly endpointKey: string;
  readonly attempts: number;
  readonly startedAt: Milliseconds;
}

export class AccessLog {
  /** Share of finished requests that are logged, 0 to 1. */
  sample = 0;
  readonly #listener: string;
  readonly #clock: Clock;
  readonly #random: () => number;
  readonly #log: Logger;
  #windowStart: Milliseconds = -Infinity;
  #inWindow = 0;
  #leftOut = 0;

  constructor(listener: string, clock: Clock, random: () => number, log: Logger) {
    this.#listener = listener;
    this.#clock = clock;
    this.#random = random;
    this.#log = log;
  }

  finished(exchange: LoggedExchange, now: Milliseconds): void {
    if (this.sample > 0 && this.#random() < this.sample)
      this.#log.info(this.#entry(exchange, now), "request");
  }

  replied(exchange: LoggedExchange, reply: Reply): void {
    this.#failure(
      (now) => ({ ...this.#entry(exchange, now), ...because(reply) }),
      "answered by the proxy itself",
    );
  }

  /** What came was no request; `client` is the address that it came from. */
  turnedAway(client: string, reply: Reply): void {
    this.#failure(
      () => ({ listener: this.#listener, client, status: reply.status, ...because(reply) }),
      "refused: not a request",
    );
  }

  truncated(exchange: LoggedExchange): void {
    this.#failure(
      (now) => this.#entry(exchange, now),
      "the answer broke off after its head: the client's connection was cut",
    );
  }

  #failure(entry: (now: Milliseconds) => object, message: string): void {
    const now = this.#clock.now();
    if (now - this.#windowStart >= SECOND) {
      this.#windowStart = now;
      this.#inWindow = 0;
    }
    if (++this.#inWindow > MOST_FAILURES_A_SECOND) {
      this.#leftOut++;
      return;
    }
    const leftOut = this.#leftOut === 0 ? {} : { leftOut: this.#leftOut };
    this.#leftOut = 0;
    this.#log.warn({ ...entry(now), ...leftOut }, message);
  }

  #entry(exchange: LoggedExchange, now: Milliseconds): object {
    const { headText } = exchange;
    const trace = /^traceparent:[ \t]*[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-/im.exec(headText);
    return {
      listener: this.#listener,
      request: headText.slice(0, headText.indexOf("\r\n")),
      status: exchange.status,
      endpoint: exchange.endpointKey,
      attempts: exchange.attempts,
      ms: Math.round((now - exchange.startedAt) * 1000) / 1000,
      ...(trace ? { trace_id: trace[1], span_id: trace[2] } : {}),
    };
  }
}

function because({ code, message }: Reply): object {
  return { code, reason: message };
}
