/** Request methods, told from their bytes without making a string; and which may be repeated (RFC 9110 section 9.2.2). */
import type { Head } from "./head.ts";

export interface Method {
  readonly name: string;
  /** Sent twice it does what it does once. */
  readonly idempotent: boolean;
}

/** One that is not known is taken for one that must not be repeated. */
export const OTHER_METHOD: Method = { name: "", idempotent: false };

const KNOWN: readonly Method[] = [
  { name: "GET", idempotent: true },
  { name: "HEAD", idempotent: true },
  { name: "POST", idempotent: false },
  { name: "PUT", idempotent: true },
  { name: "DELETE", idempotent: true },
  { name: "OPTIONS", idempotent: true },
  { name: "TRACE", idempotent: true },
  { name: "PATCH", idempotent: false },
];

/** Of the request that stands in `head`. */
export function methodOf(head: Head): Method {
  const { bytes, start } = head;
  const length = head.methodEnd - start;
  for (const method of KNOWN) {
    const { name } = method;
    if (name.length !== length) continue;
    let at = 0;
    while (at < length && bytes[start + at] === name.charCodeAt(at)) at++;
    if (at === length) return method;
  }
  return OTHER_METHOD;
}
