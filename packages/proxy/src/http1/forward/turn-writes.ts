/**
 * Small writes of many sockets, made in a row at the end of a turn of the event loop. Each write wakes whoever reads at
 * the other end; a peer that is woken, served and asleep again between two of our writes is woken anew for each, and a
 * wake-up across CPUs costs as much as the rest of the write. In a row, most find their reader awake: a fifth of the CPU
 * of a small request at 50 connections. (Redis writes its clients' answers likewise, before it waits for events again.)
 */

/** With so few requests in flight a turn has hardly two writes: they are made at once. */
export const WORTH_GATHERING = 8;
/** Nobody's bytes wait for more than so many other writes. */
const MOST_PENDING = 64;
/** What waits may be as large as this together; what comes next is written after it. */
const KEPT_BYTES = 64 * 1024;
/** The largest piece that is kept. */
export const LARGEST_KEPT = 16 * 1024;

/** Whose bytes wait. */
export interface PendingWriter {
  /** Writes what waits; does not throw. */
  flush(): void;
}

export class TurnWrites {
  /** The first #count of these wait, in order. */
  readonly #pending: (PendingWriter | null)[] = [];
  #count = 0;
  #scheduled = false;
  /** Holds the bytes that wait, one after the other; used again for each turn. */
  #kept: Buffer | null = null;
  #keptBytes = 0;
  readonly #atEndOfTurn = (): void => {
    this.#scheduled = false;
    this.flush();
  };

  /** Whether a small write should wait for the others. Once one does, all that follow do: order is kept across sockets. */
  worthwhile(requestsInFlight: number): boolean {
    return requestsInFlight >= WORTH_GATHERING || this.#count > 0;
  }

  /**
   * Copies bytes, at most LARGEST_KEPT of them, out of a buffer that is read into again before the turn ends. The copy is
   * good until the end of the turn; longer if `stillInUse` is called.
   */
  keep(bytes: Buffer, start: number, end: number): Buffer {
    if (this.#keptBytes + end - start > KEPT_BYTES) this.flush();
    const kept = (this.#kept ??= Buffer.allocUnsafeSlow(KEPT_BYTES));
    const at = this.#keptBytes;
    this.#keptBytes += bytes.copy(kept, at, start, end);
    return kept.subarray(at, this.#keptBytes);
  }

  /** A socket could not write all that was kept for it: it has the memory until it can. */
  stillInUse(): void {
    this.#kept = null;
    this.#keptBytes = KEPT_BYTES;
  }

  /** `writer.flush` will be called, once, before the event loop waits or reads anew. */
  add(writer: PendingWriter): void {
    this.#pending[this.#count++] = writer;
    if (this.#count === MOST_PENDING) this.flush();
    else if (!this.#scheduled) {
      this.#scheduled = true;
      setImmediate(this.#atEndOfTurn);
    }
  }

  flush(): void {
    for (let at = 0; at < this.#count; at++) {
      const writer = this.#pending[at];
      this.#pending[at] = null;
      writer?.flush();
    }
    this.#count = this.#keptBytes = 0;
  }
}
