/**
 * Adaptive hedging: a second attempt when the first is slower than the observed quantile, as "The Tail at Scale"
 * (Dean and Barroso, CACM 2013) proposes and Finagle's BackupRequestFilter does; capped by a token bucket to which each
 * request pays `hedgeMax` tokens and from which each hedge takes one, so hedges <= hedgeMax x requests, always.
 *
 * An attempt that we cancelled was at least as slow as we waited. If that was longer than the delay, it counts as that
 * slow; without it, the losers of hedges would be missing from the tail, the quantile would fall, and hedging would
 * feed on itself. If it was shorter, it says nothing and does not count. Fast failures do not count either.
 */
import type { Milliseconds } from "@outrigger/core";
import type { Outcome } from "../endpoint/outcome.ts";
import type { HedgeInstruments } from "../instruments.ts";
import { LatencyWindow } from "./latency-window.ts";

export interface HedgeSettings {
  readonly hedge: boolean;
  readonly hedgeQuantile: number;
  readonly hedgeMin: Milliseconds;
  readonly hedgeMax: number;
  readonly hedgeWindow: Milliseconds;
  readonly hedgeSamples: number;
}

/** Tokens are counted in whole millionths, so that twenty times 5 % is exactly one hedge. */
const TOKEN = 1_000_000;
/** Tokens that can be saved up: a calm hour must not pay for a storm of hedges. */
const MOST_TOKENS = 10;
/** The quantile is computed anew after so many latencies. */
const REFRESH_EVERY = 64;

export class Hedging {
  #settings: HedgeSettings;
  #window: LatencyWindow;
  #deposit: number;
  #tokens = 0;
  /** Infinity: too few samples. */
  #delay: Milliseconds = Infinity;
  #sinceRefresh = 0;
  readonly #clock: { now(): Milliseconds };
  readonly #count: HedgeInstruments;

  constructor(settings: HedgeSettings, clock: { now(): Milliseconds }, count: HedgeInstruments) {
    this.#settings = settings;
    this.#clock = clock;
    this.#count = count;
    this.#deposit = Math.floor(settings.hedgeMax * TOKEN + 1e-6);
    this.#window = new LatencyWindow(settings.hedgeWindow, clock.now());
  }

  /** What has been learnt stays, unless the window itself changes. */
  configure(settings: HedgeSettings): void {
    const old = this.#settings;
    this.#settings = settings;
    this.#deposit = Math.floor(settings.hedgeMax * TOKEN + 1e-6);
    if (old.hedgeWindow !== settings.hedgeWindow || !settings.hedge) {
      this.#window = new LatencyWindow(settings.hedgeWindow, this.#clock.now());
    }
    this.#refresh();
  }

  /** A request was admitted: it pays its share of a hedge. */
  requestAdmitted(): void {
    if (this.#settings.hedge) this.#tokens = Math.min(MOST_TOKENS * TOKEN, this.#tokens + this.#deposit);
  }

  /** An attempt ended. */
  observe(outcome: Outcome, latency: Milliseconds, now: Milliseconds): void {
    if (!this.#settings.hedge) return;
    const counts =
      outcome === "success" || outcome === "timeout" || (outcome === "cancelled" && latency >= this.#delay);
    const forgot = this.#window.rotate(now);
    if (counts) {
      this.#window.record(latency);
      this.#sinceRefresh++;
    }
    if (forgot || this.#sinceRefresh >= REFRESH_EVERY || (counts && this.#delay === Infinity))
      this.#refresh();
  }

  /** After how long without an answer an idempotent request is sent a second time. Infinity: do not hedge now. */
  delay(): Milliseconds {
    if (!this.#settings.hedge) return Infinity;
    if (this.#window.rotate(this.#clock.now())) this.#refresh();
    return this.#delay;
  }

  /** Asks for one hedge, when the delay is over; if granted, call `sent` or `giveBack`. */
  take(): boolean {
    if (!this.#settings.hedge || this.#delay === Infinity) return false;
    if (this.#tokens < TOKEN) {
      this.#count.capped.inc();
      return false;
    }
    this.#tokens -= TOKEN;
    return true;
  }

  /** The hedge that was granted was sent. */
  sent(): void {
    this.#count.sent.inc();
  }

  /** The hedge that was granted could not be sent. */
  giveBack(): void {
    this.#tokens = Math.min(MOST_TOKENS * TOKEN, this.#tokens + TOKEN);
  }

  #refresh(): void {
    this.#sinceRefresh = 0;
    const { hedge, hedgeSamples, hedgeQuantile, hedgeMin } = this.#settings;
    this.#delay =
      hedge && this.#window.count >= hedgeSamples
        ? Math.max(hedgeMin, this.#window.quantile(hedgeQuantile))
        : Infinity;
  }
}
