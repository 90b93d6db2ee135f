/** What an upstream counts, resolved to series once; without a Metrics the same plain counters, exposed nowhere. */
import type { Counter, Family, Gauge, Metrics } from "@outrigger/core";
import type { EjectionReason } from "./health/outlier-ejection.ts";
import { type Endpoint } from "./endpoint/endpoint.ts";
import { OUTCOMES } from "./endpoint/outcome.ts";
import { isAvailable, type Pool } from "./balance/pool.ts";

type RejectionReason = "max-requests" | "rate-limited" | "max-connections" | "max-pending";
export type Rejections = Readonly<Record<RejectionReason, Counter>>;

export interface RetryInstruments {
  readonly charged: Counter;
  readonly free: Counter;
  readonly exhausted: Counter;
}

export interface HedgeInstruments {
  readonly sent: Counter;
  readonly capped: Counter;
}

export interface DiscoveryInstruments {
  readonly updates: Counter;
  readonly errors: Counter;
}

const STATES = ["available", "ejected", "unhealthy", "drained"] as const;
export type EndpointState = (typeof STATES)[number];

/** Its one state for people and metrics; a drained endpoint is that first, an unhealthy one before an ejected one. */
export function stateOf(endpoint: Endpoint): EndpointState {
  if (endpoint.weight === 0 || endpoint.removed) return "drained";
  if (isAvailable(endpoint)) return "available";
  return endpoint.healthy ? "ejected" : "unhealthy";
}

/** The value of outrigger_upstream_endpoint_state. */
const STATE_VALUE: Readonly<Record<EndpointState, number>> = {
  available: 0,
  ejected: 1,
  unhealthy: 2,
  drained: 3,
};

export class Instruments {
  readonly rejections: Rejections;
  readonly retries: RetryInstruments;
  readonly hedges: HedgeInstruments;
  readonly discovery: DiscoveryInstruments;
  readonly #name: string;
  readonly #families: Families | null;
  readonly #states: readonly (readonly [EndpointState, Gauge])[];
  readonly #active: Gauge;
  readonly #panic: Gauge;

  constructor(upstream: string, metrics: Metrics | null) {
    this.#name = upstream;
    this.#families = metrics && families(metrics);
    const all = this.#families;
    const rejected = (reason: RejectionReason) => all?.rejected.with({ upstream, reason }) ?? unseenCounter();
    this.rejections = {
      "max-requests": rejected("max-requests"),
      "rate-limited": rejected("rate-limited"),
      "max-connections": rejected("max-connections"),
      "max-pending": rejected("max-pending"),
    };
    const counter = (family: Family<Counter, "upstream"> | undefined) =>
      family?.with({ upstream }) ?? unseenCounter();
    this.retries = {
      charged: all?.retries.with({ upstream, cost: "charged" }) ?? unseenCounter(),
      free: all?.retries.with({ upstream, cost: "free" }) ?? unseenCounter(),
      exhausted: counter(all?.budgetExhausted),
    };
    this.hedges = { sent: counter(all?.hedges), capped: counter(all?.hedgesCapped) };
    this.discovery = { updates: counter(all?.discoveryUpdates), errors: counter(all?.discoveryErrors) };
    this.#states = STATES.map(
      (state) => [state, all?.endpoints.with({ upstream, state }) ?? { value: 0 }] as const,
    );
    this.#active = all?.active.with({ upstream }) ?? { value: 0 };
    this.#panic = all?.panic.with({ upstream }) ?? { value: 0 };
  }

  ejected(endpoint: Endpoint, reason: EjectionReason): void {
    this.#families?.ejections.with({ upstream: this.#name, endpoint: endpoint.key, reason }).inc();
  }

  /** Sets what is cheaper to read than to keep; called before each exposition. */
  refresh(endpoints: readonly Endpoint[], pool: Pool, active: number): void {
    for (const [state, gauge] of this.#states) {
      gauge.value = endpoints.filter((endpoint) => stateOf(endpoint) === state).length;
    }
    this.#active.value = active;
    this.#panic.value = pool.panic ? 1 : 0;
    const all = this.#families;
    if (!all) return;
    for (const endpoint of endpoints) {
      const labels = { upstream: this.#name, endpoint: endpoint.key };
      all.endpointState.with(labels).value = STATE_VALUE[stateOf(endpoint)];
      if (endpoint.adaptive) all.concurrencyLimit.with(labels).value = endpoint.adaptive.limit;
      else all.concurrencyLimit.remove(labels);
      for (const outcome of OUTCOMES) {
        const series = all.endpointRequests.with({ ...labels, outcome });
        series.inc(endpoint.outcomes[outcome] - series.value);
      }
    }
  }

  /** Forgets what says how things are now; counters stay, so that a last scrape still has them. */
  close(endpoints: readonly Endpoint[]): void {
    const all = this.#families;
    if (!all) return;
    const upstream = this.#name;
    for (const [state] of this.#states) all.endpoints.remove({ upstream, state });
    all.active.remove({ upstream });
    all.panic.remove({ upstream });
    for (const { key } of endpoints) {
      all.endpointState.remove({ upstream, endpoint: key });
      all.concurrencyLimit.remove({ upstream, endpoint: key });
    }
  }

  /** Forgets the series of an endpoint that has gone. */
  forget(endpoint: Endpoint): void {
    const all = this.#families;
    if (!all) return;
    const labels = { upstream: this.#name, endpoint: endpoint.key };
    all.endpointState.remove(labels);
    all.concurrencyLimit.remove(labels);
    for (const outcome of OUTCOMES) all.endpointRequests.remove({ ...labels, outcome });
    for (const reason of EJECTION_REASONS) all.ejections.remove({ ...labels, reason });
  }
}

const EJECTION_REASONS: readonly EjectionReason[] = ["consecutive", "success-rate", "probation"];

type Families = ReturnType<typeof families>;

function families(metrics: Metrics) {
  const upstream = ["upstream"] as const;
  const prefix = "outrigger_upstream";
  return {
    endpoints: metrics.gauge(`${prefix}_endpoints`, "Endpoints by state.", ["upstream", "state"]),
    endpointState: metrics.gauge(
      `${prefix}_endpoint_state`,
      "State of an endpoint: 0 available, 1 ejected, 2 unhealthy, 3 drained.",
      ["upstream", "endpoint"],
    ),
    concurrencyLimit: metrics.gauge(
      `${prefix}_concurrency_limit`,
      "Requests that an endpoint is given at once, as learnt from its latencies (adaptiveConcurrency).",
      ["upstream", "endpoint"],
    ),
    endpointRequests: metrics.counter(
      `${prefix}_endpoint_requests_total`,
      "Attempts that ended, by endpoint and outcome.",
      ["upstream", "endpoint", "outcome"],
    ),
    active: metrics.gauge(`${prefix}_active_requests`, "Requests in flight.", upstream),
    panic: metrics.gauge(
      `${prefix}_panic`,
      "1 while so few endpoints are available that all are used.",
      upstream,
    ),
    ejections: metrics.counter(`${prefix}_ejections_total`, "Ejections, by the evidence that led to them.", [
      "upstream",
      "endpoint",
      "reason",
    ]),
    discoveryUpdates: metrics.counter(
      `${prefix}_discovery_updates_total`,
      "Answers of discovery that changed the endpoints.",
      upstream,
    ),
    discoveryErrors: metrics.counter(
      `${prefix}_discovery_errors_total`,
      "Failed, empty or unreadable answers of discovery; the endpoints known before were kept.",
      upstream,
    ),
    retries: metrics.counter(`${prefix}_retries_total`, "Retries granted: charged to the budget, or free.", [
      "upstream",
      "cost",
    ]),
    budgetExhausted: metrics.counter(
      `${prefix}_retry_budget_exhausted_total`,
      "Retries refused because the budget was used up.",
      upstream,
    ),
    hedges: metrics.counter(`${prefix}_hedges_total`, "Hedges sent.", upstream),
    hedgesCapped: metrics.counter(`${prefix}_hedges_capped_total`, "Hedges that the cap refused.", upstream),
    rejected: metrics.counter(`${prefix}_rejected_total`, "Requests or connections refused by a limit.", [
      "upstream",
      "reason",
    ]),
  };
}

function unseenCounter(): Counter {
  const counter = { value: 0, inc: (by = 1): void => void (counter.value += by) };
  return counter;
}
