/**
 * The figures of the views, made from two readings of the pattern containers' metrics: counts since the start, rates
 * and quantiles of a window. Quantiles interpolate within a bucket as Prometheus' histogram_quantile does.
 */
import type { Sample } from "./exposition.ts";

/** Cumulative counts by upper bound (seconds), summed over series. */
export type Buckets = ReadonlyMap<number, number>;

export interface EndpointReading {
  readonly upstream: string;
  readonly endpoint: string;
  readonly state: "ok" | "ejected" | "unhealthy" | "unknown";
  readonly requests: number;
  readonly failures: number;
  readonly ejections: number;
}

export interface Reading {
  readonly requests: number;
  readonly byClass: ReadonlyMap<string, number>;
  readonly retries: number;
  readonly buckets: Buckets;
  readonly endpoints: readonly EndpointReading[];
}

const STATES = ["ok", "ejected", "unhealthy"] as const;

/** @returns null where no metric of ours is there */
export function readTraffic(samples: readonly Sample[]): Reading | null {
  const byClass = new Map<string, number>();
  const buckets = new Map<number, number>();
  const endpoints = new Map<string, { -readonly [K in keyof EndpointReading]: EndpointReading[K] }>();
  let [requests, retries, found] = [0, 0, false];
  const endpointOf = (
    labels: Sample["labels"],
  ): { -readonly [K in keyof EndpointReading]: EndpointReading[K] } => {
    const [upstream = "", endpoint = ""] = [labels["upstream"], labels["endpoint"]];
    const key = `${upstream} ${endpoint}`;
    let entry = endpoints.get(key);
    if (!entry) {
      entry = { upstream, endpoint, state: "unknown", requests: 0, failures: 0, ejections: 0 };
      endpoints.set(key, entry);
    }
    return entry;
  };
  for (const { name, labels, value } of samples) {
    switch (name) {
      case "outrigger_http_requests_total": {
        found = true;
        requests += value;
        const code = labels["code_class"] ?? "";
        byClass.set(code, (byClass.get(code) ?? 0) + value);
        break;
      }
      case "outrigger_http_request_duration_seconds_bucket": {
        const bound = labels["le"] === "+Inf" ? Infinity : Number(labels["le"]);
        buckets.set(bound, (buckets.get(bound) ?? 0) + value);
        break;
      }
      case "outrigger_http_retries_total":
        retries += value;
        break;
      case "outrigger_upstream_endpoint_requests_total": {
        const entry = endpointOf(labels);
        entry.requests += value;
        if (labels["outcome"] !== "success" && labels["outcome"] !== "cancelled") entry.failures += value;
        break;
      }
      case "outrigger_upstream_endpoint_state":
        found = true;
        endpointOf(labels).state = STATES[value] ?? "unknown";
        break;
      case "outrigger_upstream_ejections_total":
        endpointOf(labels).ejections += value;
        break;
    }
  }
  if (!found) return null;
  return { requests, byClass, retries, buckets, endpoints: [...endpoints.values()] };
}

/** Joins the readings of several pattern containers. */
export function joinReadings(readings: readonly Reading[]): Reading | null {
  if (readings.length === 0) return null;
  const byClass = new Map<string, number>();
  const buckets = new Map<number, number>();
  for (const reading of readings) {
    for (const [code, value] of reading.byClass) byClass.set(code, (byClass.get(code) ?? 0) + value);
    for (const [bound, value] of reading.buckets) buckets.set(bound, (buckets.get(bound) ?? 0) + value);
  }
  return {
    requests: readings.reduce((sum, reading) => sum + reading.requests, 0),
    retries: readings.reduce((sum, reading) => sum + reading.retries, 0),
    byClass,
    buckets,
    endpoints: readings.flatMap((reading) => reading.endpoints),
  };
}

/** Seconds below which the share q of the observations between two readings lay; NaN where there was none. */
export function quantile(q: number, buckets: Buckets, since: Buckets = new Map()): number {
  const bounds = [...buckets.keys()].sort((a, b) => a - b);
  const counts = bounds.map((bound) => Math.max(0, (buckets.get(bound) ?? 0) - (since.get(bound) ?? 0)));
  const total = counts.at(-1) ?? 0;
  if (total === 0) return NaN;
  const rank = q * total;
  const index = counts.findIndex((count) => count >= rank);
  const upper = bounds[index] as number;
  const lower = index === 0 ? 0 : (bounds[index - 1] as number);
  if (upper === Infinity) return lower;
  const below = index === 0 ? 0 : (counts[index - 1] as number);
  const inside = (counts[index] as number) - below;
  return inside === 0 ? upper : lower + ((upper - lower) * (rank - below)) / inside;
}

/** Readings of the last while, for rates and quantiles of now. */
export class TrafficWindow {
  readonly #span: number;
  #readings: { readonly at: number; readonly reading: Reading }[] = [];

  /** @param span how far back "now" reaches, in milliseconds */
  constructor(span: number) {
    this.#span = span;
  }

  add(at: number, reading: Reading): void {
    // A restarted container counts from 0 again: what was before says nothing about now.
    if (reading.requests < (this.#readings.at(-1)?.reading.requests ?? 0)) this.#readings = [];
    this.#readings.push({ at, reading });
    while (this.#readings.length > 2 && (this.#readings[1] as { at: number }).at <= at - this.#span) {
      this.#readings.shift();
    }
  }

  get last(): Reading | null {
    return this.#readings.at(-1)?.reading ?? null;
  }

  /** Requests per second over the window; 0 before there are two readings. */
  rate(count: (reading: Reading) => number = (reading) => reading.requests): number {
    const [first, last] = [this.#readings[0], this.#readings.at(-1)];
    if (!first || !last || last.at === first.at) return 0;
    return (Math.max(0, count(last.reading) - count(first.reading)) * 1000) / (last.at - first.at);
  }

  quantile(q: number): number {
    const [first, last] = [this.#readings[0], this.#readings.at(-1)];
    if (!last) return NaN;
    return quantile(q, last.reading.buckets, first === last ? undefined : first?.reading.buckets);
  }
}
