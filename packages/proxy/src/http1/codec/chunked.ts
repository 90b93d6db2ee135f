/**
 * Follows a chunked body (RFC 9112 section 7.1) without copying it: the proxy forwards the very bytes it has checked, and
 * needs to know where the body ends and, for a peer of HTTP/1.0, which of the bytes are data.
 */
import { COLON, CR, FIELD_VALUE, HEX_VALUE, HT, LF, SEMICOLON, SP, TOKEN } from "./characters.ts";
import { CONTENT_LENGTH, fieldId, HOST, TRAILER, TRANSFER_ENCODING } from "./field-id.ts";
import type { Violation } from "./violation.ts";

/** One state for each thing that the next byte can be. */
type State =
  | "size"
  | "size-or-end"
  | "extension"
  | "size-lf"
  | "data"
  | "data-cr"
  | "data-lf"
  | "trailer-start"
  | "trailer-name"
  | "trailer-value"
  | "trailer-lf"
  | "end-lf"
  | "done";

const MAX_EXTENSION_BYTES = 256;
/** chunk-ext: `;name`, `;name=token` or `;name="quoted"`, without the optional white space that senders must not send. */
const TOKEN_TEXT = "[!#$%&'*+.^_`|~0-9A-Za-z-]+";
const EXTENSIONS = new RegExp(`^(?:;${TOKEN_TEXT}(?:=(?:${TOKEN_TEXT}|"(?:[^"\\\\]|\\\\.)*"))?)+$`);
/** Trailers of one message together; counts the final empty line. */
const MAX_TRAILER_BYTES = 16 * 1024;

export class ChunkedReader {
  violation: Violation | null = null;
  #state: State = "size";
  /** Bytes of the current chunk still to come. */
  #remaining = 0;
  #sizeDigits = 0;
  #extension: number[] = [];
  #trailerBytes = 0;
  /** The name of the trailer field being read, kept because it may be split between reads. */
  #trailerName: number[] = [];

  reset(): void {
    this.violation = null;
    this.#state = "size";
    this.#remaining = this.#sizeDigits = this.#trailerBytes = 0;
    this.#extension = [];
    this.#trailerName = [];
  }

  get done(): boolean {
    return this.#state === "done";
  }

  /**
   * Reads from `start`; returns the offset just past the last byte that belongs to the body, which is `end` while more
   * is to come. Stops at the first violation.
   * @param data told where each run of chunk data stands, for a peer to whom the framing means nothing
   */
  read(bytes: Uint8Array, start: number, end: number, data?: (start: number, end: number) => void): number {
    let at = start;
    while (at < end && this.#state !== "done") {
      if (this.#state === "data") {
        const length = Math.min(this.#remaining, end - at);
        data?.(at, at + length);
        at += length;
        this.#remaining -= length;
        if (this.#remaining === 0) this.#state = "data-cr";
      } else {
        const violation = this.#step(bytes[at] as number);
        at++;
        if (violation) {
          this.violation = violation;
          return at;
        }
      }
    }
    return at;
  }

  #step(byte: number): Violation | null {
    switch (this.#state) {
      case "size":
      case "size-or-end": {
        const digit = HEX_VALUE[byte] as number;
        if (digit !== 255) {
          // 13 hexadecimal digits stay below 2^53; leading zeros beyond that would be a second spelling of a size.
          if (++this.#sizeDigits > 13) return "bad-chunk-size";
          this.#remaining = this.#remaining * 16 + digit;
          this.#state = "size-or-end";
          return null;
        }
        if (this.#state === "size") return byte === LF ? "bare-lf" : "bad-chunk-size";
        this.#sizeDigits = 0;
        if (byte === CR) this.#state = "size-lf";
        else if (byte === SEMICOLON) {
          this.#extension = [byte];
          this.#state = "extension";
        } else return byte === LF ? "bare-lf" : "bad-chunk-size";
        return null;
      }
      case "extension":
        if (byte === LF) return "bare-lf";
        if (byte === CR) {
          if (!EXTENSIONS.test(String.fromCharCode(...this.#extension))) return "bad-chunk-extension";
          this.#state = "size-lf";
        } else if (FIELD_VALUE[byte] !== 1 || this.#extension.push(byte) > MAX_EXTENSION_BYTES)
          return "bad-chunk-extension";
        return null;
      case "size-lf":
        if (byte !== LF) return "bare-cr";
        this.#state = this.#remaining === 0 ? "trailer-start" : "data";
        return null;
      case "data-cr":
        if (byte !== CR) return byte === LF ? "bare-lf" : "bad-chunk-end";
        this.#state = "data-lf";
        return null;
      case "data-lf":
        if (byte !== LF) return "bare-cr";
        this.#state = "size";
        return null;
      default:
        return this.#trailerStep(byte);
    }
  }

  #trailerStep(byte: number): Violation | null {
    if (++this.#trailerBytes > MAX_TRAILER_BYTES) return "head-too-large";
    switch (this.#state) {
      case "trailer-start":
        if (byte === CR) {
          this.#state = "end-lf";
          return null;
        }
        if (byte === SP || byte === HT) return "obs-fold";
        if (byte === LF) return "bare-lf";
        if (TOKEN[byte] !== 1) return "bad-field-name";
        this.#trailerName = [byte];
        this.#state = "trailer-name";
        return null;
      case "trailer-name":
        if (TOKEN[byte] === 1) {
          this.#trailerName.push(byte);
          return null;
        }
        if (byte !== COLON)
          return byte === SP || byte === HT
            ? "space-before-colon"
            : byte === LF
              ? "bare-lf"
              : "bad-field-name";
        if (isForbiddenTrailer(this.#trailerName)) return "bad-trailer";
        this.#state = "trailer-value";
        return null;
      case "trailer-value":
        if (byte === CR) this.#state = "trailer-lf";
        else if (FIELD_VALUE[byte] !== 1) return byte === LF ? "bare-lf" : "bad-field-value";
        return null;
      case "trailer-lf":
        if (byte !== LF) return "bare-cr";
        this.#state = "trailer-start";
        return null;
      default: // end-lf
        if (byte !== LF) return "bare-cr";
        this.#state = "done";
        return null;
    }
  }
}

/** Fields that frame or route a message mean nothing after it, and much to a parser that merges them (RFC 9110 section 6.5.1). */
function isForbiddenTrailer(name: readonly number[]): boolean {
  const id = fieldId(Uint8Array.from(name), 0, name.length);
  return id === CONTENT_LENGTH || id === TRANSFER_ENCODING || id === HOST || id === TRAILER;
}
