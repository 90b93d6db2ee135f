/**
 * Passive health: an endpoint whose real answers are bad is ejected, gets nothing for a while, and comes back.
 *
 * Evidence (Envoy's "outlier detection"): `ejectAfter` failures in a row; or a success rate below
 * mean - ejectDeviations x standard deviation of the endpoints with at least `ejectMinRequests` in the interval, if
 * there are at least `ejectMinHosts` of those. Length: ejectTime x n for the n-th ejection in a row, at most
 * ejectTimeMax; n falls by one for each ejectInterval in service.
 *
 * Ejected at once: at most floor(ejectMax x members), but of two or more members one may always be (as Envoy before
 * `always_eject_one_host`; a sidecar's upstream has three endpoints more often than thirty). The only member never is.
 *
 * Differs from Envoy: nothing runs on a timer, all is judged when an attempt ends or an endpoint is picked; and an
 * endpoint returns on probation: one request at a time until the first success, and one failure ejects it again, so
 * that a dead endpoint's return costs one attempt, not `ejectAfter` of them. A passed active check does not end an
 * ejection: a process that is stopped still accepts connections.
 */
import type { Milliseconds } from "@outrigger/core";
import type { Endpoint } from "../endpoint/endpoint.ts";
import type { Outcome } from "../endpoint/outcome.ts";

export interface EjectionSettings {
  readonly ejectAfter: number;
  readonly ejectSuccessRate: boolean;
  readonly ejectInterval: Milliseconds;
  readonly ejectMinHosts: number;
  readonly ejectMinRequests: number;
  readonly ejectDeviations: number;
  readonly ejectTime: Milliseconds;
  readonly ejectTimeMax: Milliseconds;
  readonly ejectMax: number;
  readonly slowStart: Milliseconds;
}

export type EjectionReason = "consecutive" | "success-rate" | "probation";

export interface EjectionEvents {
  ejected(endpoint: Endpoint, reason: EjectionReason, why: string, span: Milliseconds): void;
  /** Its time is over, or the cap no longer allows it to be out. */
  returned(endpoint: Endpoint): void;
}

export class OutlierEjection {
  /** When the next ejection ends; Infinity if nothing is ejected. `expire` is due from then on. */
  nextReturn: Milliseconds = Infinity;
  #settings: EjectionSettings;
  #members: readonly Endpoint[] = [];
  #ejected = 0;
  #intervalEnd: Milliseconds;
  readonly #events: EjectionEvents;

  constructor(settings: EjectionSettings, events: EjectionEvents, now: Milliseconds) {
    this.#settings = settings;
    this.#events = events;
    this.#intervalEnd = now + settings.ejectInterval;
  }

  configure(settings: EjectionSettings, now: Milliseconds): void {
    this.#settings = settings;
    this.#intervalEnd = Math.min(this.#intervalEnd, now + settings.ejectInterval);
    this.#trim(now);
  }

  /** Discovery's list changed: the cap is a share of those that count, so some may have to come back. */
  setEndpoints(endpoints: readonly Endpoint[], now: Milliseconds): void {
    this.#members = endpoints.filter((endpoint) => endpoint.weight > 0);
    this.#trim(now);
  }

  /** How many may be ejected at once. */
  get cap(): number {
    const members = this.#members.length;
    if (members < 2 || this.#settings.ejectMax === 0) return 0;
    return Math.max(1, Math.floor(this.#settings.ejectMax * members + 1e-9));
  }

  /** An attempt ended: takes the evidence, and acts on it. */
  judge(endpoint: Endpoint, outcome: Outcome, now: Milliseconds): void {
    // What began before an ejection, or came to it in panic, says nothing new.
    if (outcome === "cancelled" || endpoint.ejectedUntil !== 0 || endpoint.removed) return;
    endpoint.intervalTotal++;
    if (outcome === "success") {
      endpoint.intervalSuccesses++;
      endpoint.failuresInRow = 0;
      if (endpoint.probation) {
        endpoint.probation = false;
        if (this.#settings.slowStart > 0) endpoint.rampSince = now;
      }
    } else {
      endpoint.failuresInRow++;
      const { ejectAfter } = this.#settings;
      if (endpoint.probation) {
        this.#eject(endpoint, "probation", `failed again on its return (${outcome})`, now);
      } else if (ejectAfter > 0 && endpoint.failuresInRow >= ejectAfter) {
        this.#eject(
          endpoint,
          "consecutive",
          `${endpoint.failuresInRow} ${endpoint.failuresInRow === 1 ? "failure" : "failures"} in a row, the last: ${outcome}`,
          now,
        );
      }
    }
    if (now >= this.#intervalEnd) this.#compare(now);
  }

  /** Ends the ejections that are over at `now`. */
  expire(now: Milliseconds): void {
    if (now < this.nextReturn) return;
    for (const endpoint of this.#members) {
      if (endpoint.ejectedUntil !== 0 && endpoint.ejectedUntil <= now) this.#release(endpoint, now);
    }
    this.#recount();
  }

  #eject(endpoint: Endpoint, reason: EjectionReason, why: string, now: Milliseconds): void {
    if (this.#ejected >= this.cap || endpoint.weight === 0) return;
    const { ejectTime, ejectTimeMax, ejectInterval } = this.#settings;
    const served = Math.floor((now - endpoint.returnedAt) / ejectInterval);
    endpoint.ejections = Math.max(0, endpoint.ejections - served) + 1;
    const span = Math.min(ejectTimeMax, ejectTime * endpoint.ejections);
    endpoint.ejectedUntil = now + span;
    endpoint.ejectedFor = why;
    endpoint.failuresInRow = 0;
    endpoint.probation = false;
    endpoint.rampSince = -1;
    this.#ejected++;
    this.nextReturn = Math.min(this.nextReturn, endpoint.ejectedUntil);
    this.#events.ejected(endpoint, reason, why, span);
  }

  #release(endpoint: Endpoint, now: Milliseconds): void {
    endpoint.ejectedUntil = 0;
    endpoint.returnedAt = now;
    endpoint.probation = true;
    endpoint.failuresInRow = 0;
    endpoint.intervalTotal = endpoint.intervalSuccesses = 0;
    this.#events.returned(endpoint);
  }

  /** Success rates of the interval that is over. */
  #compare(now: Milliseconds): void {
    const { ejectSuccessRate, ejectInterval, ejectMinHosts, ejectMinRequests, ejectDeviations } =
      this.#settings;
    this.#intervalEnd = now + ejectInterval;
    const judged = this.#members.filter(
      (endpoint) => endpoint.ejectedUntil === 0 && endpoint.intervalTotal >= ejectMinRequests,
    );
    const rates = judged.map((endpoint) => endpoint.intervalSuccesses / endpoint.intervalTotal);
    for (const endpoint of this.#members) endpoint.intervalTotal = endpoint.intervalSuccesses = 0;
    if (!ejectSuccessRate || judged.length < ejectMinHosts) return;
    const mean = rates.reduce((sum, rate) => sum + rate, 0) / rates.length;
    const variance = rates.reduce((sum, rate) => sum + (rate - mean) ** 2, 0) / rates.length;
    const least = mean - ejectDeviations * Math.sqrt(variance);
    // The worst first, in case that the cap does not allow all.
    const worstFirst = judged.map((endpoint, index) => ({ endpoint, rate: rates[index] as number }));
    worstFirst.sort((a, b) => a.rate - b.rate);
    for (const { endpoint, rate } of worstFirst) {
      if (rate >= least) break;
      const why = `success rate ${percent(rate)} is far below the others' (mean ${percent(mean)})`;
      this.#eject(endpoint, "success-rate", why, now);
    }
  }

  /** Brings back those that would return soonest until the cap is kept. */
  #trim(now: Milliseconds): void {
    this.#recount();
    const out = this.#members.filter((endpoint) => endpoint.ejectedUntil !== 0);
    out.sort((a, b) => a.ejectedUntil - b.ejectedUntil);
    for (const endpoint of out.slice(0, Math.max(0, out.length - this.cap))) this.#release(endpoint, now);
    this.#recount();
  }

  #recount(): void {
    this.#ejected = 0;
    this.nextReturn = Infinity;
    for (const endpoint of this.#members) {
      if (endpoint.ejectedUntil === 0) continue;
      this.#ejected++;
      this.nextReturn = Math.min(this.nextReturn, endpoint.ejectedUntil);
    }
  }
}

function percent(share: number): string {
  return `${(share * 100).toFixed(1)} %`;
}
