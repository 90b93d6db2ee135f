/** Answers of the proxy itself: short, plain text, with the reason and the remedy, and a stable code in a header. */

const REASONS: Readonly<Record<number, string>> = {
  400: "Bad Request",
  408: "Request Timeout",
  429: "Too Many Requests",
  431: "Request Header Fields Too Large",
  501: "Not Implemented",
  502: "Bad Gateway",
  503: "Service Unavailable",
  504: "Gateway Timeout",
  505: "HTTP Version Not Supported",
};

export type ReplyStatus = 400 | 408 | 429 | 431 | 501 | 502 | 503 | 504 | 505;

/** Why the proxy answered instead of an endpoint; the value of `x-outrigger-reason`. */
export interface Reply {
  readonly status: ReplyStatus;
  /** Stable, for programs: `no-endpoint`, `connect-failure`, `bad-host`. */
  readonly code: string;
  /** For people: what happened and what to look at. */
  readonly message: string;
  readonly retryAfterSeconds?: number;
}

/** The whole answer as bytes in latin1. `bodiless`: the request was a HEAD. */
export function renderReply(reply: Reply, keepAlive: boolean, bodiless: boolean, added = ""): string {
  // Latin1 on the wire: a message that quotes a peer's bytes must not change its own length.
  const body = `outrigger: ${reply.message.replace(/[^\t\x20-\x7e]/g, "?")}\n`;
  return (
    `HTTP/1.1 ${reply.status} ${REASONS[reply.status]}\r\n` +
    "content-type: text/plain; charset=utf-8\r\n" +
    `content-length: ${body.length}\r\n` +
    (reply.retryAfterSeconds === undefined ? "" : `retry-after: ${reply.retryAfterSeconds}\r\n`) +
    `x-outrigger-reason: ${reply.code}\r\n${added}` +
    `connection: ${keepAlive ? "keep-alive" : "close"}\r\n\r\n${bodiless ? "" : body}`
  );
}
