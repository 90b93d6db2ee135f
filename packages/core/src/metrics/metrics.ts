/**
 * The face of metrics that the rest of the house sees; what stands behind it is `create-metrics.ts`'s secret.
 * A series is resolved once (`family.with(labels)`), then counted by a plain method call on the hot path.
 */

export interface Counter {
  readonly value: number;
  inc(by?: number): void;
}

export interface Gauge {
  value: number;
}

export interface Histogram {
  readonly count: number;
  readonly sum: number;
  observe(value: number): void;
  /** Estimate of the q-quantile (0..1) by interpolation within its bucket; NaN while empty. */
  quantile(q: number): number;
}

/** All series of one name. `with` returns the same object for the same label values. */
export interface Family<Series, Label extends string> {
  with(labels: Readonly<Record<Label, string>>): Series;
  /** Forgets one series, for an endpoint that has gone. */
  remove(labels: Readonly<Record<Label, string>>): void;
}

export interface Metrics {
  counter<Label extends string = never>(
    name: string,
    help: string,
    labels?: readonly Label[],
  ): Family<Counter, Label>;
  gauge<Label extends string = never>(
    name: string,
    help: string,
    labels?: readonly Label[],
  ): Family<Gauge, Label>;
  /** @param buckets upper bounds in rising order, without +Inf; default: seconds from 0.5 ms to 60 s */
  histogram<Label extends string = never>(
    name: string,
    help: string,
    labels?: readonly Label[],
    buckets?: readonly number[],
  ): Family<Histogram, Label>;
  /** Runs before each exposition, to set gauges that are cheaper to read than to keep. Returns its removal. */
  beforeExpose(refresh: () => void): () => void;
  /** The exposition in the format that the Accept header prefers: Prometheus text 0.0.4, or OpenMetrics 1.0. */
  expose(accept?: string): Promise<{ contentType: string; body: string }>;
}
