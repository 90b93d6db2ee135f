/**
 * Writes the head that goes on from the head that came: hop-by-hop fields out, forwarding fields in, everything else
 * byte for byte, in order, as runs of the original text (RFC 9110 section 7.6.1, RFC 7239 for what X-Forwarded-* became).
 */
import {
  CONTENT_LENGTH,
  HOST,
  HTTP2_SETTINGS,
  OTHER,
  PROXY_AUTHENTICATE,
  PROXY_AUTHORIZATION,
  TRANSFER_ENCODING,
  UPGRADE,
  X_FORWARDED_FOR,
  X_FORWARDED_HOST,
  X_FORWARDED_PROTO,
} from "./field-id.ts";
import { isHopByHop, type Framing } from "./framing.ts";
import { FIELD_STRIDE, type Head } from "./head.ts";
import type { TargetReading } from "./request-target.ts";

export interface RequestRewrite {
  /** The client's address, appended to X-Forwarded-For; empty: the X-Forwarded-* fields pass unchanged. */
  readonly clientAddress: string;
  /** The scheme that the client used, for X-Forwarded-Proto. */
  readonly scheme: "http" | "https";
  /** Sent instead of the client's Host, which then goes into X-Forwarded-Host; null: the Host passes unchanged. */
  readonly host: string | null;
  /** Sent when an HTTP/1.0 client named no host: HTTP/1.1 requires one. */
  readonly hostIfMissing: string;
}

/** The head for the upstream, always HTTP/1.1 in origin form (or `*`). */
export function rewriteRequest(
  head: Head,
  past: number,
  framing: Framing,
  rewrite: RequestRewrite,
  target: TargetReading,
): string {
  const text = head.text(head.start, past);
  const base = head.start;
  let out: string;
  let runStart: number;
  if (head.minorVersion === 1 && target.replacement === null) {
    out = "";
    runStart = 0;
  } else {
    const method = text.slice(0, head.methodEnd - base);
    out = `${method} ${target.replacement ?? text.slice(head.targetStart - base, head.targetEnd - base)} HTTP/1.1\r\n`;
    runStart = head.fieldsStart - base;
  }
  let forwardedFor = "";
  let forwardedProto = "";
  let forwardedHost = "";
  let upgrade = "";
  const adds = rewrite.clientAddress !== "";
  const { fields } = head;
  const last = head.fieldCount * FIELD_STRIDE;
  const plain = framing.nominated.length === 0;
  for (let slot = 0; slot < last; slot += FIELD_STRIDE) {
    const id = fields[slot + 4] as number;
    if (id === OTHER) {
      if (plain || !framing.nominated.includes(fieldName(text, fields, slot, base))) continue;
    } else if (id === UPGRADE && framing.upgrade) {
      upgrade = fieldText(text, fields, slot, base);
    } else if (adds && (id === X_FORWARDED_FOR || id === X_FORWARDED_PROTO || id === X_FORWARDED_HOST)) {
      const value = fieldText(text, fields, slot, base);
      if (id === X_FORWARDED_FOR) forwardedFor = forwardedFor === "" ? value : `${forwardedFor}, ${value}`;
      else if (id === X_FORWARDED_PROTO) forwardedProto = value;
      else forwardedHost = value;
    } else if (id === HOST) {
      if (rewrite.host === null) continue;
    } else if (!isHopByHop(id) && id !== PROXY_AUTHORIZATION && id !== HTTP2_SETTINGS) {
      continue;
    }
    out += text.slice(runStart, (fields[slot] as number) - base);
    runStart = lineAfter(fields, slot, last, past) - base;
  }
  out += text.slice(runStart, text.length - 2);
  if (framing.hostStart < 0) {
    out += `host: ${rewrite.host ?? target.authority ?? rewrite.hostIfMissing}\r\n`;
    if (rewrite.host !== null) forwardedHost ||= target.authority ?? "";
  } else if (rewrite.host !== null) {
    out += `host: ${rewrite.host}\r\n`;
    forwardedHost ||= text.slice(framing.hostStart - base, framing.hostEnd - base);
  }
  if (adds) {
    out +=
      forwardedFor === ""
        ? `x-forwarded-for: ${rewrite.clientAddress}\r\n`
        : `x-forwarded-for: ${forwardedFor}, ${rewrite.clientAddress}\r\n`;
    out += `x-forwarded-proto: ${forwardedProto || rewrite.scheme}\r\n`;
    if (forwardedHost !== "") out += `x-forwarded-host: ${forwardedHost}\r\n`;
  }
  if (upgrade !== "") out += `connection: upgrade\r\nupgrade: ${upgrade}\r\n`;
  else if (framing.acceptsTrailers) out += "connection: te\r\nte: trailers\r\n";
  return out + "\r\n";
}

export interface ResponseRewrite {
  /** What the Connection field says: nothing (HTTP/1.1 that goes on), or one of these. */
  readonly connection: "" | "close" | "keep-alive" | "upgrade";
  /** `add`: the body came without a length and goes as chunks; `remove`: the client would not understand chunks. */
  readonly chunking: "as-is" | "add" | "remove";
  /** Whole lines to add, each with its CR LF. */
  readonly added: string;
}

/** Whether the status line that came is the one that goes on: not of HTTP/1.0, and with the space after its status. */
function hasPlainStatusLine(head: Head): boolean {
  // "HTTP/1.1 200 " is 13 long.
  return head.minorVersion === 1 && head.reasonStart - head.start === 13;
}

/**
 * The head for the client where nothing is added: what does not go on is squeezed out in place, and the rest moved up to
 * end at `past`, right before the body. Returns where the head begins now; -1 when its status line must be written anew.
 */
export function trimResponse(head: Head, past: number, framing: Framing): number {
  if (!hasPlainStatusLine(head)) return -1;
  const { bytes, fields, status } = head;
  const bodiless = status < 200 || status === 204;
  /** What goes on stands at to..past; what is not looked at yet, at head.start..runEnd. */
  let to = past;
  let runEnd = past;
  let lineEnd = past - 2;
  for (let slot = (head.fieldCount - 1) * FIELD_STRIDE; slot >= 0; slot -= FIELD_STRIDE) {
    const id = fields[slot + 4] as number;
    const lineStart = fields[slot] as number;
    const goesOn =
      id === OTHER
        ? framing.nominated.length === 0 ||
          !framing.nominated.includes(head.text(lineStart, fields[slot + 1] as number).toLowerCase())
        : id === CONTENT_LENGTH || id === TRANSFER_ENCODING
          ? !bodiless
          : !isHopByHop(id) && id !== PROXY_AUTHENTICATE;
    if (!goesOn) {
      to -= runEnd - lineEnd;
      if (to !== lineEnd) bytes.copyWithin(to, lineEnd, runEnd);
      runEnd = lineStart;
    }
    lineEnd = lineStart;
  }
  to -= runEnd - head.start;
  if (to !== head.start) bytes.copyWithin(to, head.start, runEnd);
  return to;
}

/** The head for the client. A status that has no body loses the fields that would announce one, but for HEAD and 304. */
export function rewriteResponse(
  head: Head,
  past: number,
  framing: Framing,
  rewrite: ResponseRewrite,
): string {
  const text = head.text(head.start, past);
  const base = head.start;
  const { fields, status } = head;
  const last = head.fieldCount * FIELD_STRIDE;
  let out: string;
  let runStart: number;
  if (hasPlainStatusLine(head)) {
    out = "";
    runStart = 0;
  } else {
    out = `HTTP/1.1 ${status} ${text.slice(head.reasonStart - base, head.reasonEnd - base)}\r\n`;
    runStart = head.fieldsStart - base;
  }
  const bodiless = status < 200 || status === 204;
  const plain = framing.nominated.length === 0;
  let upgrade = "";
  for (let slot = 0; slot < last; slot += FIELD_STRIDE) {
    const id = fields[slot + 4] as number;
    if (id === OTHER) {
      if (plain || !framing.nominated.includes(fieldName(text, fields, slot, base))) continue;
    } else if (id === CONTENT_LENGTH) {
      if (!bodiless) continue;
    } else if (id === TRANSFER_ENCODING) {
      if (!bodiless && rewrite.chunking !== "remove") continue;
    } else if (id === UPGRADE && rewrite.connection === "upgrade") {
      upgrade = `upgrade: ${fieldText(text, fields, slot, base)}\r\n`;
    } else if (!isHopByHop(id) && id !== PROXY_AUTHENTICATE) {
      continue;
    }
    out += text.slice(runStart, (fields[slot] as number) - base);
    runStart = lineAfter(fields, slot, last, past) - base;
  }
  out += text.slice(runStart, text.length - 2);
  if (rewrite.chunking === "add") out += "transfer-encoding: chunked\r\n";
  if (rewrite.connection !== "") out += `connection: ${rewrite.connection}\r\n${upgrade}`;
  return `${out}${rewrite.added}\r\n`;
}

function fieldName(text: string, fields: Int32Array, slot: number, base: number): string {
  return text.slice((fields[slot] as number) - base, (fields[slot + 1] as number) - base).toLowerCase();
}

function fieldText(text: string, fields: Int32Array, slot: number, base: number): string {
  return text.slice((fields[slot + 2] as number) - base, (fields[slot + 3] as number) - base);
}

/** Where the line after this field's begins: the next field, or the empty line. */
function lineAfter(fields: Int32Array, slot: number, last: number, past: number): number {
  return slot + FIELD_STRIDE < last ? (fields[slot + FIELD_STRIDE] as number) : past - 2;
}
