/**
 * Is the resident memory of a process flat? Sampled four times a second; the base is the median of the samples of the
 * last five seconds of a warm-up, and what counts is the greatest sample after it less that base.
 */
import type { Program } from "../support/program.ts";

/** How far memory may rise above its base: 32 MB. */
export const FLAT_WITHIN = 32 * 1024 * 1024;

const SAMPLE_EVERY = 250;
const BASE_SAMPLES = 5_000 / SAMPLE_EVERY;

export interface MemoryCourse {
  /** Bytes. */
  readonly base: number;
  readonly max: number;
  readonly end: number;
  /** max - base */
  readonly rise: number;
  readonly samples: number;
}

export class MemorySampler {
  readonly #program: Program;
  readonly #timer: NodeJS.Timeout;
  #samples: number[] = [];
  #base = 0;

  constructor(program: Program) {
    this.#program = program;
    this.#sample();
    this.#timer = setInterval(() => this.#sample(), SAMPLE_EVERY);
  }

  get latest(): number {
    return this.#program.residentBytes();
  }

  /** The warm-up is over: what comes is compared with how it was in the last five seconds. */
  setBase(): void {
    this.#sample();
    const last = this.#samples.slice(-BASE_SAMPLES).sort((a, b) => a - b);
    this.#base = last[last.length >> 1] ?? 0;
    this.#samples = [];
  }

  stop(): MemoryCourse {
    clearInterval(this.#timer);
    this.#sample();
    const max = Math.max(...this.#samples);
    return {
      base: this.#base,
      max,
      end: this.#samples.at(-1) ?? 0,
      rise: max - this.#base,
      samples: this.#samples.length,
    };
  }

  #sample(): void {
    const now = this.#program.residentBytes();
    if (now > 0) this.#samples.push(now);
  }
}
