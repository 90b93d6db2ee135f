/**
 * Keeps one answer of DNS fresh: asks again when its TTL is over, and after a failed or empty answer with a pause that
 * doubles. What was known stays known: no failure empties it. Where an address of it refuses connections the rest of its TTL
 * is not waited for: a Service's pods are replaced in seconds, and cluster DNS gives TTLs of 30. When that brings nothing new
 * the next doubt waits twice as long: an outage must not become one of DNS, too.
 */
import type { Clock, Milliseconds, Timer } from "@outrigger/core";

export interface WatchSettings {
  readonly dnsMinTtl: Milliseconds;
  readonly dnsMaxTtl: Milliseconds;
  readonly dnsRetryMin: Milliseconds;
  readonly dnsRetryMax: Milliseconds;
}

export interface Answer<Value> {
  readonly value: Value;
  readonly ttl: Milliseconds;
  /** A part of the answer is missing and was taken from what was known; asked again soon. */
  readonly incomplete?: string | null;
}

export interface WatchEvents {
  /** The first outcome, or another value than before. */
  changed(): void;
  failed(what: string, reason: string, known: boolean, first: boolean): void;
  recovered(what: string): void;
}

export class Watch<Value> {
  /** What is watched, in words. */
  readonly what: string;
  /** The last good answer. */
  value: Value | null = null;
  /** Why the last question had no (complete) answer; null while all is well. */
  failure: string | null = null;
  /** There was an answer or a failure. */
  settled = false;
  readonly #lookup: (known: Value | null) => Promise<Answer<Value>>;
  readonly #clock: Clock;
  readonly #random: () => number;
  readonly #events: WatchEvents;
  #settings: WatchSettings;
  #timer: Timer | null = null;
  #failures = 0;
  #askedAt: Milliseconds = -Infinity;
  /** Doubts in a row that brought the same answer. */
  #vainDoubts = 0;
  /** The question under way comes from a doubt. */
  #doubted = false;
  /** When #timer fires. */
  #dueAt: Milliseconds = Infinity;
  /** Rises with stop and refresh, so that an answer to an older question is dropped. */
  #round = 0;

  constructor(
    what: string,
    lookup: (known: Value | null) => Promise<Answer<Value>>,
    settings: WatchSettings,
    deps: { clock: Clock; random: () => number; events: WatchEvents },
  ) {
    this.what = what;
    this.#lookup = lookup;
    this.#settings = settings;
    this.#clock = deps.clock;
    this.#random = deps.random;
    this.#events = deps.events;
  }

  configure(settings: WatchSettings): void {
    this.#settings = settings;
  }

  /** Asks now; also starts the watch. */
  refresh(): void {
    this.#timer?.clear();
    this.#timer = null;
    const round = ++this.#round;
    this.#askedAt = this.#clock.now();
    this.#lookup(this.value).then(
      (answer) => {
        if (round === this.#round) this.#succeed(answer);
      },
      (thrown: unknown) => {
        if (round === this.#round) this.#fail(thrown instanceof Error ? thrown.message : String(thrown));
      },
    );
  }

  /** What is known seems to be past: asks again as soon as dnsMinTtl allows, unless it asks already. */
  doubt(): void {
    // After a failed question the pause is that of retries.
    if (this.#timer === null || this.failure !== null) return;
    const due = this.#askedAt + this.#settings.dnsMinTtl * 2 ** Math.min(20, this.#vainDoubts);
    if (due >= this.#dueAt) return;
    this.#timer.clear();
    this.#doubted = true;
    this.#again(Math.max(0, due - this.#clock.now()));
  }

  stop(): void {
    this.#round++;
    this.#timer?.clear();
    this.#timer = null;
  }

  #succeed({ value, ttl, incomplete }: Answer<Value>): void {
    const changed = !this.settled || JSON.stringify(value) !== JSON.stringify(this.value);
    if (changed) this.#vainDoubts = 0;
    else if (this.#doubted) this.#vainDoubts++;
    this.#doubted = false;
    this.value = value;
    this.settled = true;
    if (incomplete) {
      this.#fail(incomplete);
    } else {
      const had = this.failure !== null;
      this.failure = null;
      this.#failures = 0;
      const { dnsMinTtl, dnsMaxTtl } = this.#settings;
      // Up to a tenth more, so that a fleet that started together does not ask together for ever.
      this.#again(Math.min(dnsMaxTtl, Math.max(dnsMinTtl, ttl)) * (1 + 0.1 * this.#random()));
      if (had) this.#events.recovered(this.what);
    }
    if (changed) this.#events.changed();
  }

  #fail(reason: string): void {
    const { dnsRetryMin, dnsRetryMax } = this.#settings;
    const pause = Math.min(dnsRetryMax, dnsRetryMin * 2 ** Math.min(30, this.#failures));
    this.#failures++;
    // Half fixed, half random: the pause is real, and a fleet spreads.
    this.#again(pause * (0.5 + 0.5 * this.#random()));
    const first = this.failure === null;
    this.failure = reason;
    this.#events.failed(this.what, reason, this.value !== null, first);
    if (this.settled) return;
    this.settled = true;
    this.#events.changed();
  }

  #again(delay: Milliseconds): void {
    this.#dueAt = this.#clock.now() + delay;
    this.#timer = this.#clock.timer(delay, () => this.refresh(), { unref: true });
  }
}
