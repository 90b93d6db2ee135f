/**
 * Log lines on their way to a descriptor that may not take them at once. A line is written the moment it comes, so that
 * it is out before what comes next, also when that is a crash. When the descriptor is full (a pipe that nobody reads),
 * lines wait here, up to a bound; beyond it the oldest go, are counted, and the gap is said in a line of its own where
 * it is. The oldest, because a pipe already holds what was said first, and the newest may say why the process ends.
 */
import { systemClock, type Clock, type Timer } from "../time/clock.ts";
import type { Bytes, Milliseconds } from "../units.ts";

export interface BacklogOptions {
  /** Writes what it can without waiting; returns how many bytes that was, or throws (EAGAIN: none now). */
  write(bytes: string | Buffer): number;
  /** The line that stands where `dropped` lines are missing, with its line feed. */
  gap(dropped: number): string;
  /** How much may wait. Default 1 MiB. */
  readonly limit?: Bytes;
  readonly clock?: Clock;
  /** Blocks the thread, for flushSync. */
  pause?(span: Milliseconds): void;
}

const LIMIT: Bytes = 1024 * 1024;
/** Between two tries while nothing gets through: doubled from the first to the last. */
const FIRST_RETRY: Milliseconds = 5;
const LAST_RETRY: Milliseconds = 200;
/** How long flushSync waits for a reader: long for a live one, short beside the 2 s that a native sidecar may have. */
const PATIENCE: Milliseconds = 500;

export class LogBacklog {
  readonly #options: BacklogOptions;
  readonly #clock: Clock;
  readonly #limit: Bytes;
  /** The end of a line whose beginning is out: it cannot be dropped. */
  #rest: Buffer | null = null;
  /** From #first on: what has gone leaves its place until the array is worth shortening. */
  #lines: string[] = [];
  #first = 0;
  #size: Bytes = 0;
  #dropped = 0;
  /** Of those dropped, the ones that no gap line has told yet. */
  #untold = 0;
  #timer: Timer | null = null;
  #retry: Milliseconds = FIRST_RETRY;

  constructor(options: BacklogOptions) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.#limit = options.limit ?? LIMIT;
  }

  /** Lines that were never written, since the start. */
  get dropped(): number {
    return this.#dropped;
  }

  write(line: string): void {
    if (!this.#empty) this.#keep(line);
    else if (this.#put(line)) return;
    else if (this.#rest === null) this.#keep(line);
    this.#schedule();
  }

  /** Waits, at most half a second in all, for what has been waiting to be taken; then the rest is given up. */
  flushSync(): void {
    const { pause = block } = this.#options;
    const end = this.#clock.now() + PATIENCE;
    while (!this.#drain() && this.#clock.now() < end) pause(FIRST_RETRY);
  }

  get #empty(): boolean {
    return this.#rest === null && this.#first === this.#lines.length && this.#untold === 0;
  }

  #keep(line: string): void {
    this.#lines.push(line);
    this.#size += Buffer.byteLength(line);
    while (this.#size > this.#limit) {
      this.#shift();
      this.#dropped++;
      this.#untold++;
    }
  }

  #shift(): void {
    this.#size -= Buffer.byteLength(this.#lines[this.#first] as string);
    this.#lines[this.#first++] = "";
    if (this.#first < 1024 && this.#first < this.#lines.length) return;
    this.#lines = this.#lines.slice(this.#first);
    this.#first = 0;
  }

  /** True when nothing waits any more. */
  #drain(): boolean {
    if (this.#rest !== null) {
      const rest = this.#rest;
      this.#rest = null;
      if (!this.#put(rest)) {
        this.#rest ??= rest;
        return false;
      }
    }
    if (this.#untold > 0) {
      const told = this.#untold;
      const whole = this.#put(this.#options.gap(told));
      if (whole || this.#rest !== null) this.#untold -= told;
      if (!whole) return false;
    }
    while (this.#first < this.#lines.length) {
      const whole = this.#put(this.#lines[this.#first] as string);
      if (whole || this.#rest !== null) this.#shift();
      if (!whole) return false;
    }
    return true;
  }

  /** True when all of it is out. False: nothing is, or #rest holds what is not. */
  #put(bytes: string | Buffer): boolean {
    let written = 0;
    try {
      written = this.#options.write(bytes);
    } catch {
      // EAGAIN: full. EPIPE: a named pipe may find a new reader. ENOSPC: a disk may find space. Never the end of us.
      return false;
    }
    this.#retry = FIRST_RETRY;
    if (written >= Buffer.byteLength(bytes)) return true;
    if (written > 0) this.#rest = Buffer.from(bytes).subarray(written);
    return false;
  }

  #schedule(): void {
    if (this.#timer !== null) return;
    const tryAgain = (): void => {
      this.#timer = null;
      // Set back by #put as soon as something gets through.
      this.#retry = Math.min(LAST_RETRY, this.#retry * 2);
      if (!this.#drain()) this.#schedule();
    };
    this.#timer = this.#clock.timer(this.#retry, tryAgain, { unref: true });
  }
}

function block(span: Milliseconds): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, span);
}
