/** Field names that the proxy acts on, as small numbers, recognised by length first and without making a string. */

export const FIELD_NAMES = [
  "",
  "host",
  "connection",
  "content-length",
  "transfer-encoding",
  "keep-alive",
  "te",
  "trailer",
  "upgrade",
  "expect",
  "proxy-connection",
  "proxy-authenticate",
  "proxy-authorization",
  "http2-settings",
  "x-forwarded-for",
  "x-forwarded-proto",
  "x-forwarded-host",
  "traceparent",
  "retry-after",
] as const;

export type FieldName = (typeof FIELD_NAMES)[number];

export const OTHER = 0;
export const HOST = FIELD_NAMES.indexOf("host");
export const CONNECTION = FIELD_NAMES.indexOf("connection");
export const CONTENT_LENGTH = FIELD_NAMES.indexOf("content-length");
export const TRANSFER_ENCODING = FIELD_NAMES.indexOf("transfer-encoding");
export const KEEP_ALIVE = FIELD_NAMES.indexOf("keep-alive");
export const TE = FIELD_NAMES.indexOf("te");
export const TRAILER = FIELD_NAMES.indexOf("trailer");
export const UPGRADE = FIELD_NAMES.indexOf("upgrade");
export const EXPECT = FIELD_NAMES.indexOf("expect");
export const PROXY_CONNECTION = FIELD_NAMES.indexOf("proxy-connection");
export const PROXY_AUTHENTICATE = FIELD_NAMES.indexOf("proxy-authenticate");
export const PROXY_AUTHORIZATION = FIELD_NAMES.indexOf("proxy-authorization");
export const HTTP2_SETTINGS = FIELD_NAMES.indexOf("http2-settings");
export const X_FORWARDED_FOR = FIELD_NAMES.indexOf("x-forwarded-for");
export const X_FORWARDED_PROTO = FIELD_NAMES.indexOf("x-forwarded-proto");
export const X_FORWARDED_HOST = FIELD_NAMES.indexOf("x-forwarded-host");
export const TRACEPARENT = FIELD_NAMES.indexOf("traceparent");
export const RETRY_AFTER = FIELD_NAMES.indexOf("retry-after");

/** Candidates by length: at most three names share one, so that most fields are told apart by one comparison. */
const BY_LENGTH: readonly (readonly { id: number; bytes: Uint8Array }[])[] = Array.from(
  { length: 32 },
  (_, length) =>
    FIELD_NAMES.flatMap((name, id) =>
      id !== OTHER && name.length === length ? [{ id, bytes: Buffer.from(name) }] : [],
    ),
);

/** The number of the field whose name stands at start..end (any case), or OTHER. The bytes are a valid token. */
export function fieldId(bytes: Uint8Array, start: number, end: number): number {
  const candidates = BY_LENGTH[end - start];
  if (candidates === undefined) return OTHER;
  next: for (let c = 0; c < candidates.length; c++) {
    const candidate = candidates[c] as { id: number; bytes: Uint8Array };
    const name = candidate.bytes;
    for (let i = name.length - 1; i >= 0; i--) {
      // 0x20 folds ASCII capitals; among token bytes it folds nothing else onto a letter or '-' or a digit.
      if (((bytes[start + i] as number) | 0x20) !== name[i]) continue next;
    }
    return candidate.id;
  }
  return OTHER;
}
