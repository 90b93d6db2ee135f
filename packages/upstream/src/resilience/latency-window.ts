/**
 * A quantile of recent latencies: counts in logarithmic buckets, 8 to the octave (bucket i ends at 0.01 ms x 2^((i+1)/8)),
 * in two halves of the window that take turns, as HdrHistogram's interval recorders do. A quantile is a bucket's upper
 * end: never too small, at most 9 % too large. Recording costs a logarithm and an increment; nothing is allocated.
 */
import type { Milliseconds } from "@outrigger/core";

const LEAST: Milliseconds = 0.01;
const PER_OCTAVE = 8;
/** To 0.01 ms x 2^27 = 22 minutes; what is slower counts as that. */
const BUCKETS = 27 * PER_OCTAVE;

export class LatencyWindow {
  readonly #half: Milliseconds;
  #current = new Uint32Array(BUCKETS);
  #previous = new Uint32Array(BUCKETS);
  #currentCount = 0;
  #previousCount = 0;
  #currentSince: Milliseconds;

  /** @param span latencies are remembered for half of it at least, for all of it at most */
  constructor(span: Milliseconds, now: Milliseconds) {
    this.#half = span / 2;
    this.#currentSince = now;
  }

  /** Latencies remembered. */
  get count(): number {
    return this.#currentCount + this.#previousCount;
  }

  record(latency: Milliseconds): void {
    const bucket = latency <= LEAST ? 0 : Math.ceil(Math.log2(latency / LEAST) * PER_OCTAVE) - 1;
    const index = Math.max(0, Math.min(BUCKETS - 1, bucket));
    this.#current[index] = (this.#current[index] as number) + 1;
    this.#currentCount++;
  }

  /** Forgets what is too old. True: something was forgotten. */
  rotate(now: Milliseconds): boolean {
    const age = now - this.#currentSince;
    if (age < this.#half) return false;
    const emptied = this.#previous.fill(0);
    this.#previous = this.#current;
    this.#previousCount = this.#currentCount;
    this.#current = emptied;
    this.#currentCount = 0;
    this.#currentSince = now;
    if (age >= 2 * this.#half) {
      this.#previous.fill(0);
      this.#previousCount = 0;
    }
    return true;
  }

  /** The q-quantile (0..1) of what is remembered; NaN while that is nothing. */
  quantile(q: number): Milliseconds {
    const total = this.count;
    if (total === 0) return NaN;
    // Counted from the slow end, because q is near 1: so many are slower than the answer.
    let slower = total - Math.max(1, Math.ceil(q * total - 1e-9));
    for (let index = BUCKETS - 1; index >= 0; index--) {
      slower -= (this.#current[index] as number) + (this.#previous[index] as number);
      if (slower < 0) return LEAST * 2 ** ((index + 1) / PER_OCTAVE);
    }
    return NaN;
  }
}
