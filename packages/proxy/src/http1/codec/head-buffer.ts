/**
 * Holds the beginning of a head that did not arrive in one piece. Bytes are scanned again only when a line has ended
 * since, so that a head sent byte by byte costs at most (number of lines) x (size of the head) steps.
 */
import { LF } from "./characters.ts";

export class HeadBuffer {
  #held: Buffer | null = null;
  #length = 0;

  get length(): number {
    return this.#length;
  }

  /** All bytes held so far; valid until the next call. */
  get bytes(): Buffer {
    return (this.#held ?? Buffer.alloc(0)).subarray(0, this.#length);
  }

  /**
   * Adds what came; true when it is worth reading again: a line has ended, or the limit is passed.
   * @param limit the head's size limit in bytes; at most one byte more than that is kept. A reload may have lowered it
   * below what is held already.
   */
  add(bytes: Buffer, start: number, end: number, limit: number): boolean {
    if (this.#length > limit) return true;
    const length = Math.min(end - start, limit + 1 - this.#length);
    if (this.#held === null || this.#held.length < this.#length + length) {
      const grown = Buffer.allocUnsafeSlow(Math.min(limit + 1, Math.max(512, (this.#length + length) * 2)));
      this.#held?.copy(grown, 0, 0, this.#length);
      this.#held = grown;
    }
    bytes.copy(this.#held, this.#length, start, start + length);
    const lineEnded = this.#held.subarray(this.#length, this.#length + length).includes(LF);
    this.#length += length;
    return lineEnded || this.#length > limit;
  }
}
