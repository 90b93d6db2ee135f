/** Answers of the proxy itself: short, plain text, with the reason and the remedy, and a stable code in a header. */
import type { Milliseconds } from "@outrigger/core";
import type { Rejection } from "@outrigger/upstream";

const REASONS: Readonly<Record<number, string>> = {
  400: "Bad Request",
  408: "Request Timeout",
  429: "Too Many Requests",
  431: "Request Header Fields Too Large",
  502: "Bad Gateway",
  503: "Service Unavailable",
  504: "Gateway Timeout",
  505: "HTTP Version Not Supported",
};

export type ReplyStatus = 400 | 408 | 429 | 431 | 502 | 503 | 504 | 505;

/** Why the proxy answered instead of an endpoint; the value of `x-outrigger-reason`. */
export interface Reply {
  readonly status: ReplyStatus;
  /** Stable, for programs: `no-endpoint`, `connect-failure`, `bad-host`. */
  readonly code: string;
  /** For people: what happened and what to look at. */
  readonly message: string;
  readonly retryAfterSeconds?: number;
  /** The client's connection ends with the answer. */
  readonly closes?: boolean;
}

/** The route's own limits refuse the request before an endpoint is looked for. */
export function rejected(rejection: Rejection): Reply {
  if (rejection === "rate-limited") {
    return {
      status: 429,
      code: rejection,
      message: "the rate limit of this route (rate) is reached",
      retryAfterSeconds: 1,
    };
  }
  const message = "as many requests as this route allows (maxRequests) are being answered";
  return { status: 503, code: rejection, message, retryAfterSeconds: 1 };
}

/** @param why the upstream's own sentence on what can be picked */
export function noEndpoint(upstream: string, why: string): Reply {
  const message = `upstream ${upstream} has no endpoint: ${why}; see /explain on the control server`;
  return { status: 503, code: "no-endpoint", message };
}

const allBusy = (endpoint: string): string =>
  `all connections to ${endpoint} are busy (maxConnections or adaptiveConcurrency)`;

/** @param why which limit of the line */
export function lineIsFull(endpoint: string, why: string): Reply {
  const message = `${allBusy(endpoint)} and ${why}`;
  return { status: 503, code: "max-pending", message, retryAfterSeconds: 1 };
}

/** @param span the limit, in milliseconds */
export function noPlace(endpoint: string, span: Milliseconds): Reply {
  const message = `${allBusy(endpoint)}, and none ended within ${span} ms (maxWait)`;
  return { status: 503, code: "max-wait", message, retryAfterSeconds: 1 };
}

/** The client's own socket then serves another. @param detail what the kernel said */
export function noSocket(detail: string): Reply {
  const message = `no socket for a connection to an endpoint, ${detail}: raise the limit of open files, or set maxConnections`;
  return { status: 503, code: "no-socket", message, retryAfterSeconds: 1, closes: true };
}

/** @param found what the last attempt met there; @param why it is not waited for, or not any more */
export function workloadAway(endpoint: string, found: string, why: string): Reply {
  const message = `${endpoint} refuses connections (${found}), and ${why}`;
  return { status: 503, code: "workload-away", message, retryAfterSeconds: 1 };
}

/** @param span the limit, in milliseconds; @param endpoint the last one that was asked, or empty */
export function timeIsUp(kind: "stalled" | "overall", span: Milliseconds, endpoint: string): Reply {
  const what = kind === "overall" ? `no whole answer within ${span} ms` : `nothing moved for ${span} ms`;
  const last = endpoint === "" ? "" : ` (last endpoint: ${endpoint})`;
  return { status: 504, code: kind === "overall" ? "timeout" : "stalled", message: what + last };
}

/** @param detail the last endpoint, and what went wrong there */
export function allAttemptsFailed(code: string, attempts: number, detail: string): Reply {
  const status = code === "try-timeout" || code === "connect-timeout" ? 504 : 502;
  return {
    status,
    code,
    message: `no answer after ${attempts} attempt${attempts === 1 ? "" : "s"}; ${detail}`,
  };
}

/**
 * Head lines that say where an answer came from (`explain`).
 * @param endpoint the last one that was asked, or empty
 * @param reason why there was more than one attempt; null: there was not
 */
export function explanation(endpoint: string, attempts: number, reason: string | null): string {
  const where = endpoint === "" ? "" : `x-outrigger-endpoint: ${endpoint}\r\n`;
  const why = reason === null ? "" : `x-outrigger-reason: ${reason}\r\n`;
  return `${where}x-outrigger-attempts: ${attempts}\r\n${why}`;
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
