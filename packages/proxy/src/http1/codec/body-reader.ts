/** Follows one body, however it is framed, to its end. */
import { ChunkedReader } from "./chunked.ts";
import type { BodyKind } from "./framing.ts";
import type { Violation } from "./violation.ts";

export class BodyReader {
  kind: BodyKind = "none";
  done = true;
  violation: Violation | null = null;
  /** Bytes of a body of kind `length` still to come. */
  remaining = 0;
  #chunked: ChunkedReader | null = null;

  begin(kind: BodyKind, length: number): void {
    this.kind = kind;
    this.violation = null;
    this.remaining = length;
    this.done = kind === "none" || (kind === "length" && length === 0);
    if (kind === "chunked") {
      this.#chunked ??= new ChunkedReader();
      this.#chunked.reset();
    }
  }

  /**
   * Returns the offset just past the bytes at start..end that belong to this body.
   * @param data for chunked bodies: told where each run of data stands
   */
  read(bytes: Uint8Array, start: number, end: number, data?: (start: number, end: number) => void): number {
    if (this.done) return start;
    switch (this.kind) {
      case "length": {
        const length = Math.min(this.remaining, end - start);
        this.remaining -= length;
        this.done = this.remaining === 0;
        return start + length;
      }
      case "chunked": {
        const chunked = this.#chunked as ChunkedReader;
        const past = chunked.read(bytes, start, end, data);
        this.violation = chunked.violation;
        this.done = chunked.done;
        return past;
      }
      default:
        return end;
    }
  }

  /** The sender closed its side: for a body that lasts until then, that is its end. Returns whether the body is whole. */
  finish(): boolean {
    if (this.kind === "close") this.done = true;
    return this.done;
  }
}
