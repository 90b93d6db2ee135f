/** How long a message's body is, and what its connection does next: RFC 9112 sections 6.3 and 9.3, without the leniency. */
import {
  CONNECTION,
  CONTENT_LENGTH,
  EXPECT,
  HOST,
  KEEP_ALIVE,
  PROXY_CONNECTION,
  RETRY_AFTER,
  TE,
  TRANSFER_ENCODING,
  UPGRADE,
} from "./field-id.ts";
import { decimal, equalsIgnoringCase, isHost, listMembers } from "./field-value.ts";
import { FIELD_STRIDE, type Head } from "./head.ts";
import type { Violation } from "./violation.ts";

/** `close`: the body ends with the connection; only an answer may do that. */
export type BodyKind = "none" | "length" | "chunked" | "close";

/** What the fields of one head mean; filled anew for each message, so that reading one allocates nothing. */
export class Framing {
  body: BodyKind = "none";
  /** Bytes of a body of kind `length`. */
  length = 0;
  /** Whether the sender will take or send another message on this connection. */
  keepAlive = true;
  /** The other names that the Connection field lists (lower case): hop-by-hop, too. */
  nominated: readonly string[] = [];
  /** The Connection field lists upgrade, and there is an Upgrade field. */
  upgrade = false;
  /** Requests: value offsets of the Host field; -1 without one. */
  hostStart = -1;
  hostEnd = -1;
  expectsContinue = false;
  /** Requests: the client takes trailers. */
  acceptsTrailers = false;
  /** Answers: the `timeout` of the Keep-Alive field in seconds, or -1. */
  keepAliveSeconds = -1;
  hasRetryAfter = false;
  /** Some Connection field lists close: it wins, wherever it stands (RFC 9112 section 9.3). */
  #close = false;

  /** Reads a request's fields. Returns why it must be refused, or null. */
  ofRequest(head: Head): Violation | null {
    const violation = this.#readFields(head);
    if (violation) return violation;
    if (this.hostStart < 0 && head.minorVersion === 1) return "missing-host";
    // Without either length a request has no body; it can never last until the connection ends.
    return null;
  }

  /** Reads an answer's fields. `toHead`: the request was a HEAD. Returns why it must be refused, or null. */
  ofResponse(head: Head, toHead: boolean): Violation | null {
    const violation = this.#readFields(head);
    if (violation) return violation;
    const status = head.status;
    if (toHead || status < 200 || status === 204 || status === 304) {
      this.body = "none";
      this.length = 0;
    } else if (this.body === "none") {
      this.body = "close";
    }
    if (this.body === "close") this.keepAlive = false;
    return null;
  }

  #readFields(head: Head): Violation | null {
    this.body = "none";
    this.length = 0;
    this.keepAlive = head.minorVersion === 1;
    this.#close = false;
    if (this.nominated.length > 0) this.nominated = [];
    this.upgrade = this.expectsContinue = this.acceptsTrailers = this.hasRetryAfter = false;
    this.hostStart = this.hostEnd = this.keepAliveSeconds = -1;
    let connectionListsUpgrade = false;
    let hasUpgrade = false;
    let hasLength = false;

    const { bytes, fields } = head;
    const last = head.fieldCount * FIELD_STRIDE;
    for (let slot = 0; slot < last; slot += FIELD_STRIDE) {
      const id = fields[slot + 4] as number;
      if (id === 0) continue;
      const start = fields[slot + 2] as number;
      const end = fields[slot + 3] as number;
      switch (id) {
        case HOST:
          if (this.hostStart >= 0) return "repeated-host";
          if (!isHost(bytes, start, end)) return "bad-host";
          this.hostStart = start;
          this.hostEnd = end;
          break;
        case CONTENT_LENGTH: {
          if (hasLength) return "repeated-content-length";
          if (this.body === "chunked") return "length-and-encoding";
          const length = decimal(bytes, start, end);
          if (length < 0) return "bad-content-length";
          hasLength = true;
          this.length = length;
          this.body = "length";
          break;
        }
        case TRANSFER_ENCODING:
          if (head.minorVersion === 0) return "transfer-encoding-in-http-1.0";
          if (hasLength) return "length-and-encoding";
          if (this.body === "chunked" || !equalsIgnoringCase(bytes, start, end, "chunked"))
            return "bad-transfer-encoding";
          this.body = "chunked";
          break;
        case CONNECTION:
          if (this.#readConnection(head, start, end)) connectionListsUpgrade = true;
          break;
        case UPGRADE:
          hasUpgrade = true;
          break;
        case EXPECT:
          this.expectsContinue = equalsIgnoringCase(bytes, start, end, "100-continue");
          break;
        case TE:
          this.acceptsTrailers = listMembers(head.text(start, end)).some((member) =>
            member.startsWith("trailers"),
          );
          break;
        case KEEP_ALIVE: {
          const hint = /(?:^|[,\s])timeout\s*=\s*(\d{1,6})/i.exec(head.text(start, end));
          if (hint) this.keepAliveSeconds = Number(hint[1]);
          break;
        }
        case RETRY_AFTER:
          this.hasRetryAfter = true;
          break;
      }
    }
    if (this.#close) this.keepAlive = false;
    this.upgrade = connectionListsUpgrade && hasUpgrade && head.minorVersion === 1;
    return null;
  }

  /** Returns whether the list names upgrade. */
  #readConnection(head: Head, start: number, end: number): boolean {
    if (equalsIgnoringCase(head.bytes, start, end, "keep-alive")) {
      this.keepAlive = true;
      return false;
    }
    if (equalsIgnoringCase(head.bytes, start, end, "close")) {
      this.#close = true;
      return false;
    }
    let upgrade = false;
    const nominated: string[] = [...this.nominated];
    const members = listMembers(head.text(start, end));
    for (const member of members) {
      if (member === "upgrade") upgrade = true;
      else if (member !== "close" && member !== "keep-alive") nominated.push(member);
    }
    if (members.includes("close")) this.#close = true;
    else if (members.includes("keep-alive")) this.keepAlive = true;
    this.nominated = nominated;
    return upgrade;
  }
}

/** Hop-by-hop by their own definition, whether Connection lists them or not (RFC 9110 section 7.6.1). */
export function isHopByHop(id: number): boolean {
  return id === CONNECTION || id === KEEP_ALIVE || id === PROXY_CONNECTION || id === TE || id === UPGRADE;
}
