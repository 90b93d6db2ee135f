/** A proxy between a raw client and an endpoint that a test writes, both on sockets or node:http. */
import { once } from "node:events";
import {
  createServer,
  type IncomingMessage,
  type RequestListener,
  type Server,
  type ServerResponse,
} from "node:http";
import { connect, createServer as createTcpServer, type AddressInfo, type Socket } from "node:net";
import type { Clock } from "@outrigger/core";
import {
  createPassThrough,
  isWebSocket,
  WEB_SOCKETS_ALONE,
  withoutUpgrade,
  type Outcome,
  type PassThrough,
  type Target,
} from "../index.ts";

export const portOf = (server: { address(): unknown }): number => (server.address() as AddressInfo).port;

/** An endpoint that speaks bytes. */
export async function rawEndpoint(
  serve: (socket: Socket) => void,
): Promise<{ port: number; sockets: Socket[]; close(): void }> {
  const sockets: Socket[] = [];
  const server = createTcpServer({ allowHalfOpen: true }, (socket) => {
    sockets.push(socket);
    socket.on("error", () => {});
    serve(socket);
  });
  await once(server.listen(0, "127.0.0.1"), "listening");
  const close = (): void => {
    server.close();
    for (const socket of sockets) socket.destroy();
  };
  return { port: portOf(server), sockets, close };
}

export async function httpEndpoint(
  serve: RequestListener,
): Promise<{ port: number; server: Server; close(): void }> {
  const server = createServer(serve);
  await once(server.listen(0, "127.0.0.1"), "listening");
  const close = (): void => {
    server.close();
    server.closeAllConnections();
  };
  return { port: portOf(server), server, close };
}

export interface Behind {
  readonly port: number;
  readonly server: Server;
  readonly pass: PassThrough;
  readonly outcomes: Outcome[];
  [Symbol.asyncDispose](): Promise<void>;
}

export async function passThroughTo(
  target: Target | ((request: IncomingMessage) => Target),
  options: { clock?: Clock; connectTimeout?: number; stallTimeout?: number } = {},
): Promise<Behind> {
  const pass = await createPassThrough(options);
  const outcomes: Outcome[] = [];
  const to = typeof target === "function" ? target : () => target;
  const server = createServer({ ...WEB_SOCKETS_ALONE, noDelay: true }, (request, response) => {
    void pass.forward(request, response, to(request)).then((outcome) => outcomes.push(outcome));
  });
  server.on("upgrade", (request: IncomingMessage, socket: Socket, head: Buffer) => {
    if (!isWebSocket(request)) withoutUpgrade(server, request, socket, head);
    else void pass.upgrade(request, socket, head, to(request)).then((outcome) => outcomes.push(outcome));
  });
  await once(server.listen(0, "127.0.0.1"), "listening");
  return {
    port: portOf(server),
    server,
    pass,
    outcomes,
    async [Symbol.asyncDispose]() {
      pass.stop();
      server.close();
      server.closeAllConnections();
    },
  };
}

export async function bareTo(
  createProxyServer: () => {
    web(request: IncomingMessage, response: ServerResponse, options: object, failed: () => void): void;
  },
  port: number,
): Promise<{ port: number; close(): void }> {
  const proxy = createProxyServer();
  return httpEndpoint((request, response) =>
    proxy.web(request, response, { target: `http://127.0.0.1:${port}` }, () => {
      if (!response.headersSent) response.writeHead(502).end();
    }),
  );
}

/** All that came, as text; and whether it ended in order, or was reset. */
export interface Client {
  readonly socket: Socket;
  readonly text: string;
  readonly state: "open" | "ended" | "reset";
}

export async function clientOf(port: number, text = ""): Promise<Client> {
  const socket = connect({ port, host: "127.0.0.1", allowHalfOpen: true });
  await once(socket, "connect");
  let got = "";
  let state: Client["state"] = "open";
  socket.on("data", (chunk: Buffer) => (got += chunk.toString("latin1")));
  socket.on("end", () => (state = "ended"));
  socket.on("error", () => (state = "reset"));
  if (text !== "") socket.write(text, "latin1");
  return {
    socket,
    get text() {
      return got;
    },
    get state() {
      return state;
    },
  };
}
