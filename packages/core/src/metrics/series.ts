/**
 * Series as plain objects with numbers: counting one costs an addition. prom-client's own hash the labels of every
 * call, and loading it costs 48 ms and 10 MB (measured, Node 20); this and `exposition.ts` stand in its place.
 */
import type { Counter, Gauge, Histogram } from "./metrics.ts";

/** From half a millisecond to a minute, in seconds: what a call to a neighbour takes. */
export const DEFAULT_BUCKETS: readonly number[] = [
  0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60,
];

export class CounterSeries implements Counter {
  value = 0;

  /** Negative, NaN and infinite amounts are ignored: a counter only rises. */
  inc(by = 1): void {
    if (by > 0 && by !== Infinity) this.value += by;
  }
}

export class GaugeSeries implements Gauge {
  value = 0;
}

export class HistogramSeries implements Histogram {
  count = 0;
  sum = 0;
  readonly bounds: readonly number[];
  /** Observations per bucket, not cumulated; the last is +Inf's. */
  readonly counts: Float64Array;

  constructor(bounds: readonly number[]) {
    this.bounds = bounds;
    this.counts = new Float64Array(bounds.length + 1);
  }

  /** NaN is ignored: it would make the sum NaN for good. */
  observe(value: number): void {
    if (value !== value) return;
    // Binary search of the first bound that is not below the value (`le` includes its bound).
    let low = 0;
    let high = this.bounds.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (value <= (this.bounds[middle] as number)) high = middle;
      else low = middle + 1;
    }
    this.counts[low] = (this.counts[low] as number) + 1;
    this.count++;
    this.sum += value;
  }

  /** As Prometheus' histogram_quantile: linear within the bucket, the last finite bound for what lies beyond it. */
  quantile(q: number): number {
    if (this.count === 0) return NaN;
    const rank = Math.min(1, Math.max(0, q)) * this.count;
    let below = 0;
    for (let bucket = 0; bucket < this.bounds.length; bucket++) {
      const inBucket = this.counts[bucket] as number;
      if (below + inBucket >= rank && inBucket > 0) {
        const upper = this.bounds[bucket] as number;
        const lower = bucket === 0 ? Math.min(0, upper) : (this.bounds[bucket - 1] as number);
        return lower + (upper - lower) * ((rank - below) / inBucket);
      }
      below += inBucket;
    }
    return this.bounds[this.bounds.length - 1] ?? NaN;
  }
}
