/** Terms that a test ends by hand, workloads that tell what they got, and clients that tell how it ended. */
import { once } from "node:events";
import { createServer, request as httpRequest, type IncomingMessage, type RequestListener } from "node:http";
import {
  connect,
  createServer as createTcpServer,
  type AddressInfo,
  type Server,
  type Socket,
} from "node:net";
import { createMetrics, systemClock, type Clock, type Logger } from "@outrigger/core";
import type { Term } from "../duty/duty.ts";
import type { PortDeps } from "../duty/pod-port.ts";

export const LOOPBACK = { host: "127.0.0.1", port: 0 };
export const never: AbortSignal = new AbortController().signal;

export function termOf(id: string, token = 7n): Term & { isLeading: boolean } {
  return { election: "ticker", id, token, acquiredAt: 0, isLeading: true };
}

export function depsOf(clock: Clock = systemClock): PortDeps & { lines: string[]; text(): Promise<string> } {
  const lines: string[] = [];
  const say = (fields: object, message: string): void =>
    void lines.push(`${message} ${JSON.stringify(fields)}`);
  const log: Logger = { debug: say, info: say, warn: say, error: say, child: () => log };
  const metrics = createMetrics();
  return { clock, log, metrics, lines, text: async () => (await metrics.expose()).body };
}

async function listening(server: Server): Promise<{ host: string; port: number; close(): void }> {
  const sockets = new Set<Socket>();
  server.on("connection", (socket: Socket) => {
    sockets.add(socket);
    socket.on("error", () => {});
    socket.once("close", () => sockets.delete(socket));
  });
  await once(server.listen(0, "127.0.0.1"), "listening");
  const close = (): void => {
    server.close();
    for (const socket of sockets) socket.destroy();
  };
  return { host: "127.0.0.1", port: (server.address() as AddressInfo).port, close };
}

export type Workload = Awaited<ReturnType<typeof listening>>;

export const tcpWorkload = (serve: (socket: Socket) => void): Promise<Workload> =>
  listening(createTcpServer({ allowHalfOpen: true }, serve));

/** @param upgrade of a WebSocket; default: refused */
export function httpWorkload(
  serve: RequestListener,
  upgrade?: (request: IncomingMessage, socket: Socket) => void,
): Promise<Workload> {
  const server = createServer(serve);
  if (upgrade) server.on("upgrade", upgrade);
  return listening(server);
}

export interface Answer {
  readonly status: number;
  readonly headers: IncomingMessage["headers"];
  readonly body: string;
}

export function ask(
  address: string | undefined,
  options: {
    method?: string;
    path?: string;
    headers?: Record<string, string | string[]>;
    body?: string;
    signal?: AbortSignal;
  } = {},
): Promise<Answer> {
  const { body, ...rest } = options;
  return new Promise((resolve, reject) => {
    const port = Number(address?.split(":").at(-1));
    const request = httpRequest({ host: "127.0.0.1", port, agent: false, ...rest }, (response) => {
      let text = "";
      response.setEncoding("utf8").on("data", (chunk: string) => (text += chunk));
      response.once("end", () =>
        resolve({ status: response.statusCode ?? 0, headers: response.headers, body: text }),
      );
      response.once("error", reject);
    });
    request.once("error", reject);
    request.end(body);
  });
}

/** All that came, as text; and how it ended. */
export interface RawClient {
  readonly socket: Socket;
  readonly text: string;
  readonly state: "open" | "ended" | "reset";
}

export async function rawClient(address: string | null | undefined, send = ""): Promise<RawClient> {
  const socket = connect({
    port: Number(address?.split(":").at(-1)),
    host: "127.0.0.1",
    allowHalfOpen: true,
  });
  await once(socket, "connect");
  const client = { socket, text: "", state: "open" as RawClient["state"] };
  socket.on("data", (chunk: Buffer) => (client.text += chunk.toString("latin1")));
  socket.on("end", () => (client.state = "ended"));
  socket.on("error", () => (client.state = "reset"));
  if (send !== "") socket.write(send, "latin1");
  return client;
}
