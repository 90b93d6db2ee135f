/**
 * Which upgrades are carried on, and what becomes of the others. A server that listens to `upgrade` gets every request that
 * asks for any, and is alone with it: also those that only offer HTTP/2, as Java's client does with each first request,
 * body and all. RFC 9110 section 7.8 lets a server ignore the wish; so it is taken off, and the request comes in again.
 */
import type { IncomingMessage, Server } from "node:http";
import type { Duplex } from "node:stream";
import { isChunked, listMembers } from "./fields.ts";

/** A WebSocket's handshake (RFC 6455 section 4.1). One with a body could be read in two ways. */
export function isWebSocket({ method, headers }: IncomingMessage): boolean {
  return (
    method === "GET" &&
    headers.upgrade?.trim().toLowerCase() === "websocket" &&
    Number(headers["content-length"] ?? 0) === 0 &&
    !isChunked(headers)
  );
}

/**
 * What a server that carries on WebSockets is created with: from Node 24.9 on it takes other upgrades for ordinary requests by
 * itself (from 26 on they cannot be given to it again). Older ones do not know the option: `withoutUpgrade` is for them.
 */
export const WEB_SOCKETS_ALONE = { shouldUpgradeCallback: isWebSocket };

/** Gives the server the same request without its Upgrade: it comes as a `request`, and others can follow on the connection. */
export function withoutUpgrade(server: Server, request: IncomingMessage, socket: Duplex, head: Buffer): void {
  const { method, url, httpVersion, rawHeaders } = request;
  let lines = `${method} ${url} HTTP/${httpVersion}\r\n`;
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const [name, value] = [rawHeaders[at] as string, rawHeaders[at + 1] as string];
    const field = name.toLowerCase();
    if (field === "upgrade" || field === "http2-settings") continue;
    const kept =
      field === "connection"
        ? listMembers(value)
            .filter((member) => member !== "upgrade" && member !== "http2-settings")
            .join(", ")
        : value;
    lines += `${name}: ${kept}\r\n`;
  }
  socket.unshift(Buffer.concat([Buffer.from(`${lines}\r\n`, "latin1"), head]));
  server.emit("connection", socket);
}
