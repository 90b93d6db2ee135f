/** Percentiles of latencies, and how long after a fault they are back to what they were. */

export interface Percentiles {
  readonly count: number;
  /** Milliseconds; NaN without a request. */
  readonly p50: number;
  readonly p99: number;
}

/** The nearest-rank percentiles (the smallest value that at least that share of the values does not exceed). */
export function percentiles(values: readonly number[]): Percentiles {
  const sorted = Float64Array.from(values).sort();
  const at = (share: number): number => sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? NaN;
  return { count: sorted.length, p50: at(0.5), p99: at(0.99) };
}

/** The windows over which p99 is taken, one every STEP, in milliseconds. */
const WINDOW = 200;
const STEP = 50;
/** p99 is back when it stayed good for so long. */
const STEADY = 1_000;

/**
 * Milliseconds from `fault` until p99 (of the requests that ended in a window of 200 ms) is at most `limit` and stays
 * so for a second; Infinity if that was not seen before `end`. A window in which nothing ended is not good.
 */
export function recoveryTime(
  sentAt: readonly number[],
  took: readonly number[],
  fault: number,
  end: number,
  limit: number,
): number {
  const ended = sentAt.map((sent, index) => ({ at: sent + (took[index] ?? 0), took: took[index] ?? 0 }));
  const relevant = ended.filter(({ at }) => at >= fault && at <= end).sort((a, b) => a.at - b.at);
  const starts = Math.floor((end - WINDOW - fault) / STEP);
  const good: boolean[] = [];
  let from = 0;
  for (let step = 0; step <= starts; step++) {
    const start = fault + step * STEP;
    while (from < relevant.length && (relevant[from]?.at ?? 0) < start) from++;
    const within: number[] = [];
    for (let index = from; index < relevant.length; index++) {
      const each = relevant[index];
      if (!each || each.at >= start + WINDOW) break;
      within.push(each.took);
    }
    good.push(within.length > 0 && percentiles(within).p99 <= limit);
  }
  const enough = STEADY / STEP;
  let run = 0;
  for (const [step, isGood] of good.entries()) {
    run = isGood ? run + 1 : 0;
    // The run began when the first of its windows did.
    if (run === enough) return (step - enough + 1) * STEP;
  }
  return Infinity;
}
