/**
 * Why a message was refused. A message that two parsers could read in two ways is refused whole and its connection is
 * closed: that is what request smuggling lives on (RFC 9112 section 11.2).
 */
export const VIOLATIONS = {
  "bad-method": "the method is not a token",
  "bad-target": "the request target is empty, or has a byte that no target may have",
  "bad-target-form": "the request target is neither a path, nor an absolute http(s) URL, nor * with OPTIONS",
  "bad-version": "the protocol version is neither HTTP/1.0 nor HTTP/1.1",
  "bad-start-line": "the first line is not METHOD SP TARGET SP VERSION, or VERSION SP STATUS SP REASON",
  "bad-status": "the status is not three digits from 100 to 599",
  "bare-lf": "a line ends with LF alone",
  "bare-cr": "a CR stands without its LF",
  "obs-fold": "a field is continued on a second line",
  "space-before-colon": "white space stands between a field name and its colon",
  "bad-field-name": "a field name is empty, has no colon, or is not a token",
  "bad-field-value": "a field value has a NUL or another control byte",
  "head-too-large": "the head is larger than the limit",
  "too-many-fields": "the head has more fields than the limit",
  "missing-host": "an HTTP/1.1 request has no Host",
  "repeated-host": "the request has more than one Host",
  "bad-host": "the Host is not a name or an address with an optional port",
  "conflicting-host": "the target is absolute and names another host than the Host field",
  "bad-content-length": "the Content-Length is not a plain decimal number below 2^53",
  "repeated-content-length": "the message has more than one Content-Length",
  "length-and-encoding": "the message has both a Content-Length and a Transfer-Encoding",
  "bad-transfer-encoding": "the Transfer-Encoding is anything but one single chunked",
  "transfer-encoding-in-http-1.0": "an HTTP/1.0 message has a Transfer-Encoding",
  "bad-chunk-size": "a chunk size is empty, signed, not hexadecimal, or not below 2^53",
  "bad-chunk-extension": "a chunk extension is malformed or longer than the limit",
  "bad-chunk-end": "a chunk's data is not followed by CR LF",
  "bad-trailer": "a trailer field would change how the message is framed or routed",
  "unexpected-upgrade": "the answer switches protocols and nobody asked",
  "too-many-interim-answers": "more than the allowed number of 1xx answers came before the final one",
  "unexpected-answer": "bytes came from an upstream that had been asked nothing",
} as const;

export type Violation = keyof typeof VIOLATIONS;

/** The status that a client gets for its violation (RFC 9110 section 15, RFC 6585 section 5). */
export function statusOfViolation(violation: Violation): 400 | 431 | 505 {
  if (violation === "head-too-large" || violation === "too-many-fields") return 431;
  return violation === "bad-version" ? 505 : 400;
}
