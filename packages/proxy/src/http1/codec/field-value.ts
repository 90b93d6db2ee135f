/** Reading the few field values that the proxy acts on. */
import { ADDRESS, COLON, NAME } from "./characters.ts";

/** 1*DIGIT below 2^53 (RFC 9110 section 8.6), or -1: no sign, no list, no white space inside. */
export function decimal(bytes: Uint8Array, start: number, end: number): number {
  if (start === end) return -1;
  let value = 0;
  for (let at = start; at < end; at++) {
    const digit = (bytes[at] as number) - 0x30;
    if (digit < 0 || digit > 9) return -1;
    value = value * 10 + digit;
    if (value > Number.MAX_SAFE_INTEGER) return -1;
  }
  return value;
}

/** Whether the bytes equal `lower` (lower-case ASCII letters, digits, '-'), in any case. */
export function equalsIgnoringCase(bytes: Uint8Array, start: number, end: number, lower: string): boolean {
  if (end - start !== lower.length) return false;
  for (let i = 0; i < lower.length; i++) {
    const byte = bytes[start + i] as number;
    const folded = byte >= 0x41 && byte <= 0x5a ? byte | 0x20 : byte;
    if (folded !== lower.charCodeAt(i)) return false;
  }
  return true;
}

const BRACKET_OPEN = 0x5b;

/** `uri-host [":" port]` (RFC 9110 section 7.2). Empty is allowed there, and has one reading. */
export function isHost(bytes: Uint8Array, start: number, end: number): boolean {
  if (bytes[start] === BRACKET_OPEN && start < end) return isAddressInBrackets(bytes, start, end);
  let at = start;
  while (at < end && NAME[bytes[at] as number] === 1) at++;
  if (at === end) return true;
  return bytes[at] === COLON && at > start && isPort(bytes, at + 1, end);
}

function isAddressInBrackets(bytes: Uint8Array, start: number, end: number): boolean {
  let close = start + 1;
  while (close < end && ADDRESS[bytes[close] as number] === 1) close++;
  if (close >= end || bytes[close] !== 0x5d || close === start + 1) return false;
  return close + 1 === end || (bytes[close + 1] === COLON && isPort(bytes, close + 2, end));
}

/** Up to five digits; none is allowed after the colon (RFC 3986 section 3.2.3). */
function isPort(bytes: Uint8Array, start: number, end: number): boolean {
  if (end - start > 5) return false;
  for (let at = start; at < end; at++) {
    const byte = bytes[at] as number;
    if (byte < 0x30 || byte > 0x39) return false;
  }
  return true;
}

/** The members of a comma-separated list of tokens, lower case, empty members left out (RFC 9110 section 5.6.1). */
export function listMembers(text: string): string[] {
  return text
    .toLowerCase()
    .split(",")
    .map((member) => member.trim())
    .filter((member) => member !== "");
}
