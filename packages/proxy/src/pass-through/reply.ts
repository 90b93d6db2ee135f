/** Answers of the proxy itself: JSON with the reason and the remedy, and a stable code in a header. */
import { STATUS_CODES, type ServerResponse } from "node:http";
import type { Socket } from "node:net";
import type { Failure } from "./target.ts";

export interface Reply {
  readonly status: number;
  /** Stable, for programs: also the value of `x-outrigger-reason`. */
  readonly reason: string;
  /** For people: what happened, and what to look at. */
  readonly message: string;
  /** In whole seconds. */
  readonly retryAfter?: number;
}

function parts({ status, reason, message, retryAfter }: Reply): {
  fields: Record<string, string>;
  body: string;
} {
  const body = `${JSON.stringify({ status, reason, message })}\n`;
  const fields: Record<string, string> = {
    "content-type": "application/json",
    "content-length": String(Buffer.byteLength(body)),
    "cache-control": "no-store",
    "x-outrigger-reason": reason,
  };
  if (retryAfter !== undefined) fields["retry-after"] = String(retryAfter);
  return { fields, body };
}

/** What a failure is to the client. */
export function replyTo(reason: Failure, message: string): Reply {
  if (reason === "withdrawn") return { status: 503, reason, message, retryAfter: 1 };
  return { status: reason === "stalled" || reason === "connect-timeout" ? 504 : 502, reason, message };
}

/** Nothing happens where an answer has begun, or nobody is there any more. */
export function answer(response: ServerResponse, reply: Reply): void {
  if (response.headersSent || response.destroyed) return;
  const { fields, body } = parts(reply);
  // What was prepared for the answer that failed.
  for (const name of response.getHeaderNames()) response.removeHeader(name);
  const connection = response.shouldKeepAlive ? {} : { connection: "close" };
  response.writeHead(reply.status, STATUS_CODES[reply.status], { ...fields, ...connection }).end(body);
}

/** To a client that has asked for an upgrade; its connection ends with the answer. */
export function answerUpgrade(socket: Socket, reply: Reply): void {
  if (!socket.writable) return;
  // Nobody else listens from the upgrade event on: an error would end the process.
  socket.on("error", () => {});
  // What it still sends is for nobody, and must not keep it from ending.
  socket.resume();
  const { fields, body } = parts(reply);
  const lines = Object.entries({ ...fields, connection: "close" }).map(
    ([name, value]) => `${name}: ${value}\r\n`,
  );
  socket.end(`HTTP/1.1 ${reply.status} ${STATUS_CODES[reply.status]}\r\n${lines.join("")}\r\n${body}`);
}
