/**
 * The connections of one of the container's own HTTP servers: each has one request at a time, and at the limit the one
 * that has been without a request for longest makes room for the new one.
 */
import type { RequestListener, Server } from "node:http";
import type { Socket } from "node:net";
import type { Logger } from "../log/logger.ts";
import type { Bytes } from "../units.ts";

/** Of each server; probes, a scraper and a person are a handful. */
const MOST_CONNECTIONS = 64;

/** The parser gets what a read brought (64 KB) in slices: what is left when the connection is closed costs nothing. */
const SLICE: Bytes = 1_024;

/**
 * Hands the server's requests to `handler`, at most one of each connection at a time.
 *
 * node:http makes requests and responses of all that one read brought, thousands when they are pipelined, before the
 * first is answered. Nobody who probes or scrapes pipelines, so that a connection which does is closed.
 */
export function serveInTurn(purpose: string, server: Server, handler: RequestListener, log: Logger): void {
  /** Without a request, those that have been so for longest first. */
  const waiting = new Set<Socket>();
  const answered = new Set<Socket>();

  server.on("connection", (socket) => {
    waiting.add(socket);
    slice(socket);
    socket.once("close", () => {
      waiting.delete(socket);
      answered.delete(socket);
    });
    if (waiting.size + answered.size <= MOST_CONNECTIONS) return;
    // Idle ones and half heads must not keep the kubelet out. What is being answered is never cut: then it is the new one.
    const [longest = socket] = waiting;
    log.debug({ server: purpose, refused: longest === socket }, "closed a connection: there are too many");
    longest.destroy();
  });

  const take: RequestListener = (request, response) => {
    const { socket } = request;
    // The parser goes on to the end of the slice.
    if (socket.destroyed) return;
    if (!waiting.delete(socket)) {
      log.debug({ server: purpose }, "closed a connection: it sent a request before the last was answered");
      socket.destroy();
      return;
    }
    answered.add(socket);
    response.once("finish", () => {
      if (answered.delete(socket)) waiting.add(socket);
    });
    // Asked here, since node:http would answer each of a chunk (RFC 9112 section 3.2).
    if (request.httpVersion === "1.1" && request.headers.host === undefined)
      response.writeHead(400, { connection: "close" }).end("send a Host header\n");
    else handler(request, response);
  };
  server.on("request", take);
  // An expectation that nobody has is ignored, as RFC 9110 section 10.1.1 lets us.
  server.on("checkExpectation", take);
}

function slice(socket: Socket): void {
  // node:http's parser reads the handle itself, past the stream, until somebody else listens.
  socket.on("data", () => {});
  const push = socket.push.bind(socket);
  socket.push = (chunk: Buffer | null, encoding) => {
    if (chunk === null) return push(null);
    let more = true;
    for (let start = 0; start < chunk.length && !socket.destroyed; start += SLICE)
      more = push(chunk.subarray(start, start + SLICE), encoding);
    return more;
  };
}
