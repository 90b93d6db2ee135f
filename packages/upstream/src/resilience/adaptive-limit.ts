/**
 * How many requests one endpoint can do at once, learnt from its latencies; after each window of answers:
 *
 *     gradient = clamp(tolerance x least / mean, 1/2, 1)      mean: of the window; least: without a queue
 *     limit    = (limit + limit x gradient + sqrt(limit)) / 2
 *
 * as Netflix's concurrency-limits (Gradient) and Envoy's adaptive concurrency do. It settles where the mean is `tolerance`
 * and a little times the least latency: past that knee more at once only wait inside the endpoint. It grows only while it
 * is what holds requests back (peak = limit), and stays as it is while less than half of it is used.
 *
 * The least latency would be too low for ever once the endpoint has become slower, and rise unseen were it forgotten under
 * load. So each minute it is measured anew: as it is, where the limit has held nobody back; else by a descent, in which the
 * limit is halved, and halved again as long as that makes latencies fall. Envoy goes down to 3 at once, whatever the
 * endpoint can do, and turns away what is above; here that waits, and half of the endpoint's width is idle for a moment.
 */
import type { Milliseconds } from "@outrigger/core";
import type { Outcome } from "../endpoint/outcome.ts";

export interface AdaptiveLimitSettings {
  readonly adaptiveMin: number;
  readonly adaptiveTolerance: number;
  /** 0: no upper bound but MOST. */
  readonly maxConnections: number;
}

const FIRST = 20;
/** Where maxConnections sets no bound. */
const MOST = 10_000;
/** A window has so many answers, and lasts so long; or, with few answers, has lasted for LONG_WINDOW. */
const WINDOW_ANSWERS = 50;
const WINDOW: Milliseconds = 100;
const LONG_WINDOW: Milliseconds = 1_000;
const FEWEST_ANSWERS = 10;
/** Share of a new mean in the smoothed one: the least of raw means would be the luckiest window, not the least latency. */
const SMOOTHING = 0.2;
/** Halving the limit makes latencies fall when the mean becomes less than this share of what it was. */
const FALLS = 0.8;
const REMEASURE_FIRST: Milliseconds = 5_000;
const REMEASURE_EVERY: Milliseconds = 60_000;

interface Descent {
  /** Comes back afterwards. */
  readonly limit: number;
  /** At the last step, of which this one halved the limit. */
  mean: Milliseconds;
  /** Answers of requests that were in flight at the step: they say nothing of it. */
  unread: number;
}

export class AdaptiveLimit {
  #settings: AdaptiveLimitSettings;
  #limit: number;
  /** NaN: no window has ended yet. */
  #least: Milliseconds = NaN;
  #smoothed: Milliseconds = NaN;
  #sum: Milliseconds = 0;
  #count = 0;
  #peak = 0;
  #windowBegan: Milliseconds;
  #remeasureAt: Milliseconds;
  /** The limit held somebody back since the least latency was measured. */
  #heldBack = false;
  /** While the least latency is measured. */
  #descent: Descent | null = null;

  constructor(settings: AdaptiveLimitSettings, now: Milliseconds) {
    this.#settings = settings;
    this.#limit = this.#within(FIRST);
    this.#windowBegan = now;
    this.#remeasureAt = now + REMEASURE_FIRST;
  }

  /** Requests at once, now. A whole number, at least 1. */
  get limit(): number {
    return Math.floor(this.#limit);
  }

  configure(settings: AdaptiveLimitSettings): void {
    this.#settings = settings;
    this.#limit = this.#within(this.#limit);
  }

  /**
   * An attempt ended.
   * @param active attempts in flight, this one among them
   */
  observe(outcome: Outcome, latency: Milliseconds, active: number, now: Milliseconds): void {
    // A refusal is fast, and what we ended ourselves was not measured.
    if (outcome === "connect-failure" || outcome === "reset" || outcome === "cancelled") return;
    if (this.#descent !== null && this.#descent.unread > 0) {
      this.#descent.unread--;
      this.#windowBegan = now;
      return;
    }
    this.#sum += latency;
    this.#count++;
    if (active > this.#peak) this.#peak = active;
    const age = now - this.#windowBegan;
    const enough = this.#count >= WINDOW_ANSWERS && (age >= WINDOW || this.#descent !== null);
    if (enough || (age >= LONG_WINDOW && this.#count >= FEWEST_ANSWERS)) this.#endWindow(active, now);
  }

  #endWindow(active: number, now: Milliseconds): void {
    const mean = this.#sum / this.#count;
    const peak = this.#peak;
    this.#sum = this.#count = this.#peak = 0;
    this.#windowBegan = now;
    if (this.#descent !== null) {
      this.#goDown(this.#descent, mean, active, now);
      return;
    }
    this.#smoothed = Number.isNaN(this.#smoothed)
      ? mean
      : this.#smoothed + SMOOTHING * (mean - this.#smoothed);
    this.#least = Number.isNaN(this.#least) ? mean : Math.min(this.#least, this.#smoothed);
    const holdsBack = peak >= this.limit;
    this.#heldBack ||= holdsBack;
    this.#adjust(mean, peak, holdsBack);
    if (now < this.#remeasureAt) return;
    if (!this.#heldBack) this.#measured(this.#smoothed, now);
    else this.#goDown({ limit: this.#limit, mean: Infinity, unread: 0 }, mean, active, now);
  }

  /** One step of the descent is over, with this mean: another, or the end. */
  #goDown(descent: Descent, mean: Milliseconds, active: number, now: Milliseconds): void {
    if (mean < FALLS * descent.mean && this.limit > this.#settings.adaptiveMin) {
      this.#descent = descent;
      descent.mean = mean;
      descent.unread = active;
      this.#limit = this.#within(this.#limit / 2);
      return;
    }
    this.#measured(Math.min(mean, descent.mean), now);
    this.#limit = this.#within(descent.limit);
    this.#descent = null;
  }

  #adjust(mean: Milliseconds, peak: number, holdsBack: boolean): void {
    if (peak < this.#limit / 2) return;
    const gradient = Math.max(0.5, Math.min(1, (this.#settings.adaptiveTolerance * this.#least) / mean));
    const wanted = this.#limit * gradient + (holdsBack ? Math.sqrt(this.#limit) : 0);
    this.#limit = this.#within((this.#limit + wanted) / 2);
  }

  #measured(least: Milliseconds, now: Milliseconds): void {
    this.#least = this.#smoothed = least;
    this.#heldBack = false;
    this.#remeasureAt = now + REMEASURE_EVERY;
  }

  #within(limit: number): number {
    const { adaptiveMin, maxConnections } = this.#settings;
    return Math.max(adaptiveMin, Math.min(maxConnections === 0 ? MOST : maxConnections, limit));
  }
}
