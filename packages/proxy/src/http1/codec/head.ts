/**
 * Reads the head of one HTTP/1.x message (RFC 9112 sections 2 to 5), strictly: the first byte that could be read in two
 * ways is a violation. A head is read in place from the bytes it arrived in; offsets, not strings, are its result, and
 * one Head object serves all messages of a listener, since a head is read and used within one turn.
 */
import { COLON, CR, FIELD_VALUE, HT, LF, SP, TARGET, TOKEN } from "./characters.ts";
import { fieldId } from "./field-id.ts";
import type { Violation } from "./violation.ts";

/** More bytes are needed. */
export const NEED_MORE = -1;
/** The bytes are no head: see `violation`. */
export const REFUSED = -2;

/** Offsets that a field takes in `Head.fields`: name start, name end, value start, value end, field id. */
export const FIELD_STRIDE = 5;

/** Empty lines that a server should skip before a request line (RFC 9112 section 2.2): enough for sloppy clients. */
const MAX_LEADING_EMPTY_LINES = 4;

const LONGEST_METHOD = 32;

export interface HeadLimits {
  /** Bytes from the first of the start line to the last of the empty line. */
  readonly maxBytes: number;
  readonly maxFields: number;
}

export class Head {
  readonly limits: HeadLimits;
  readonly fields: Int32Array;
  fieldCount = 0;
  violation: Violation | null = null;

  /** Where the offsets point into, and the head's first byte there. */
  bytes: Buffer = Buffer.alloc(0);
  start = 0;
  /** Where the fields begin, just past the start line. */
  fieldsStart = 0;

  /** 0 or 1: HTTP/1.0 or HTTP/1.1. */
  minorVersion = 1;
  /** Requests: `method`, `target` as offsets. */
  methodEnd = 0;
  targetStart = 0;
  targetEnd = 0;
  /** Answers. */
  status = 0;
  reasonStart = 0;
  reasonEnd = 0;

  constructor(limits: HeadLimits) {
    this.limits = limits;
    this.fields = new Int32Array(limits.maxFields * FIELD_STRIDE);
  }

  /** Reads a request head at start..end. Returns the offset just past it, NEED_MORE or REFUSED. */
  readRequest(bytes: Buffer, start: number, end: number): number {
    let at = start;
    for (let emptyLines = 0; at < end && bytes[at] === CR; emptyLines++) {
      if (at + 1 >= end) return NEED_MORE;
      if (bytes[at + 1] !== LF) return this.#refuse("bare-cr");
      if (emptyLines === MAX_LEADING_EMPTY_LINES) return this.#refuse("bad-start-line");
      at += 2;
    }
    return this.#read(bytes, at, end, true);
  }

  /** Reads an answer's head at start..end. Returns the offset just past it, NEED_MORE or REFUSED. */
  readResponse(bytes: Buffer, start: number, end: number): number {
    return this.#read(bytes, start, end, false);
  }

  /** A part of the head as text, one char per byte. */
  text(start: number, end: number): string {
    return this.bytes.toString("latin1", start, end);
  }

  #read(bytes: Buffer, start: number, end: number, request: boolean): number {
    this.bytes = bytes;
    this.start = start;
    this.fieldCount = 0;
    this.violation = null;
    const limit = Math.min(end, start + this.limits.maxBytes);
    const line = request ? this.#requestLine(bytes, start, limit) : this.#statusLine(bytes, start, limit);
    const past = line < 0 ? line : this.#fieldLines(bytes, line, limit);
    if (past === NEED_MORE && limit < end) return this.#refuse("head-too-large");
    return past;
  }

  #requestLine(bytes: Buffer, start: number, end: number): number {
    let at = start;
    while (at < end && TOKEN[bytes[at] as number] === 1) at++;
    if (at - start > LONGEST_METHOD) return this.#refuse("bad-method");
    if (at >= end) return NEED_MORE;
    if (bytes[at] !== SP || at === start)
      return this.#refuse(this.#lineBreak(bytes[at] as number) ?? "bad-method");
    this.methodEnd = at;
    this.targetStart = ++at;
    while (at < end && TARGET[bytes[at] as number] === 1) at++;
    if (at >= end) return NEED_MORE;
    if (bytes[at] !== SP) return this.#refuse(this.#lineBreak(bytes[at] as number) ?? "bad-target");
    if (at === this.targetStart) return this.#refuse("bad-target");
    this.targetEnd = at;
    return this.#lineEnd(bytes, this.#version(bytes, at + 1, end), end);
  }

  #statusLine(bytes: Buffer, start: number, end: number): number {
    let at = this.#version(bytes, start, end);
    if (at < 0) return at;
    if (at >= end) return NEED_MORE;
    if (bytes[at] !== SP) return this.#refuse(this.#lineBreak(bytes[at] as number) ?? "bad-start-line");
    at++;
    let status = 0;
    for (let digit = 0; digit < 3; digit++, at++) {
      if (at >= end) return NEED_MORE;
      const value = (bytes[at] as number) - 0x30;
      if (value < 0 || value > 9) return this.#refuse("bad-status");
      status = status * 10 + value;
    }
    if (status < 100 || status > 599) return this.#refuse("bad-status");
    this.status = status;
    if (at >= end) return NEED_MORE;
    // The space before an empty reason is required by the RFC, and left out by many servers; nothing hangs on it.
    if (bytes[at] === SP) at++;
    else if (bytes[at] !== CR) return this.#refuse(this.#lineBreak(bytes[at] as number) ?? "bad-status");
    this.reasonStart = at;
    while (at < end && FIELD_VALUE[bytes[at] as number] === 1) at++;
    this.reasonEnd = at;
    return this.#lineEnd(bytes, at, end);
  }

  /** `HTTP/1.0` or `HTTP/1.1` at `at`. */
  #version(bytes: Buffer, at: number, end: number): number {
    const prefix = "HTTP/1.";
    for (let i = 0; i < prefix.length; i++) {
      if (at + i >= end) return NEED_MORE;
      if (bytes[at + i] !== prefix.charCodeAt(i)) return this.#refuse("bad-version");
    }
    if (at + 7 >= end) return NEED_MORE;
    const minor = (bytes[at + 7] as number) - 0x30;
    if (minor !== 0 && minor !== 1) return this.#refuse("bad-version");
    this.minorVersion = minor;
    return at + 8;
  }

  /** CR LF at `at`, the end of a start line. */
  #lineEnd(bytes: Buffer, at: number, end: number): number {
    if (at < 0) return at;
    if (at >= end) return NEED_MORE;
    if (bytes[at] !== CR) return this.#refuse(bytes[at] === LF ? "bare-lf" : "bad-start-line");
    if (at + 1 >= end) return NEED_MORE;
    if (bytes[at + 1] !== LF) return this.#refuse("bare-cr");
    return at + 2;
  }

  #fieldLines(bytes: Buffer, start: number, end: number): number {
    const fields = this.fields;
    const lastSlot = fields.length;
    let slot = 0;
    let at = start;
    this.fieldsStart = start;
    for (;;) {
      if (at >= end) return NEED_MORE;
      const nameStart = at;
      while (at < end && TOKEN[bytes[at] as number] === 1) at++;
      if (at >= end) return NEED_MORE;
      const stop = bytes[at] as number;
      if (stop !== COLON || at === nameStart) {
        if (stop === CR && at === nameStart) {
          if (at + 1 >= end) return NEED_MORE;
          if (bytes[at + 1] !== LF) return this.#refuse("bare-cr");
          this.fieldCount = slot / FIELD_STRIDE;
          return at + 2;
        }
        return this.#refuse(this.#whyNoFieldName(stop, at === nameStart));
      }
      const nameEnd = at++;
      while (at < end && (bytes[at] === SP || bytes[at] === HT)) at++;
      const valueStart = at;
      while (at < end && FIELD_VALUE[bytes[at] as number] === 1) at++;
      if (at >= end) return NEED_MORE;
      if (bytes[at] !== CR) return this.#refuse(bytes[at] === LF ? "bare-lf" : "bad-field-value");
      if (at + 1 >= end) return NEED_MORE;
      if (bytes[at + 1] !== LF) return this.#refuse("bare-cr");
      let valueEnd = at;
      while (valueEnd > valueStart && (bytes[valueEnd - 1] === SP || bytes[valueEnd - 1] === HT)) valueEnd--;
      at += 2;
      if (slot >= lastSlot) return this.#refuse("too-many-fields");
      fields[slot] = nameStart;
      fields[slot + 1] = nameEnd;
      fields[slot + 2] = valueStart;
      fields[slot + 3] = valueEnd;
      fields[slot + 4] = fieldId(bytes, nameStart, nameEnd);
      slot += FIELD_STRIDE;
    }
  }

  #whyNoFieldName(stop: number, atLineStart: boolean): Violation {
    if (stop === SP || stop === HT) return atLineStart ? "obs-fold" : "space-before-colon";
    if (stop === LF) return "bare-lf";
    return "bad-field-name";
  }

  #lineBreak(byte: number): Violation | null {
    if (byte === LF) return "bare-lf";
    return byte === CR ? "bad-start-line" : null;
  }

  #refuse(violation: Violation): number {
    this.violation = violation;
    return REFUSED;
  }
}
