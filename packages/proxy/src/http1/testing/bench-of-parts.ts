/** A proxy with scripted backends behind it, all on free loopback ports, for tests that speak raw bytes. */
import { once } from "node:events";
import { createServer, type AddressInfo, type Server } from "node:net";
import { createMetrics, systemClock, type Clock, type Metrics } from "@outrigger/core";
import { Upstream, upstreamConfig, type UpstreamConfigInput } from "@outrigger/upstream";
import { Listener } from "../forward/listener.ts";
import { HTTP1_DEFAULTS, type Http1Options } from "../forward/settings.ts";
import type { UpstreamTls } from "../forward/upstream-tls.ts";
import type { Handler } from "../serve/handler.ts";
import { ByteStream } from "./byte-stream.ts";

/** Plays one connection of a backend; `index` counts its connections from 0. */
export type Script = (connection: ByteStream, index: number) => Promise<void>;

export class Backend {
  readonly server: Server;
  readonly connections: ByteStream[] = [];
  /** Request heads that arrived, in order: what a test of "never sent twice" counts. */
  readonly arrivals: string[] = [];
  #failure: unknown = null;

  constructor(script: Script) {
    this.server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
      const connection = new ByteStream(socket);
      const index = this.connections.push(connection) - 1;
      script(connection, index).catch((error: unknown) => (this.#failure ??= error));
    });
  }

  /** @param port 0: any that is free */
  static async start(script: Script, port = 0): Promise<Backend> {
    const backend = new Backend(script);
    backend.server.listen(port, "127.0.0.1");
    await once(backend.server, "listening");
    return backend;
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port;
  }

  get key(): string {
    return `127.0.0.1:${this.port}`;
  }

  /** A script's failed expectation, if any. */
  get failure(): unknown {
    return this.#failure;
  }

  stop(): void {
    this.server.close();
    for (const { socket } of this.connections) socket.destroy();
  }
}

/** Answers every request of every connection with the same bytes, counting arrivals. */
export async function answering(answer: string | ((head: string, body: string) => string)): Promise<Backend> {
  const backend: Backend = await Backend.start(async (connection) => {
    for (;;) {
      const { head, body } = await connection.message().catch(() => ({ head: "", body: "" }));
      if (head === "") return;
      backend.arrivals.push(head);
      connection.write(typeof answer === "string" ? answer : answer(head, body));
    }
  });
  return backend;
}

export const OK = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

/** Answers each request at once, but for those to paths that begin with /held: these wait for `release`. */
export async function holding(
  answer: (head: string) => string = () => OK,
): Promise<{ backend: Backend; release: () => void }> {
  let release = (): void => {};
  const released = new Promise<void>((resolve) => (release = resolve));
  const backend: Backend = await Backend.start(async (connection) => {
    for (;;) {
      const { head } = await connection.message().catch(() => ({ head: "" }));
      if (head === "") return;
      backend.arrivals.push(head);
      if (head.includes(" /held")) await released;
      connection.write(answer(head));
    }
  });
  return { backend, release };
}

export interface ProxyUnderTest extends AsyncDisposable {
  readonly listener: Listener;
  readonly upstream: Upstream;
  readonly metrics: Metrics;
  readonly port: number;
  /** Opens a client connection. */
  client(): Promise<ByteStream>;
  /** The value of a series, from the exposition as a scraper reads it; 0 when it is not there. */
  metric(name: string, labels?: Readonly<Record<string, string>>): Promise<number>;
}

export interface ProxyOptions {
  readonly backends: readonly Backend[];
  readonly http?: Partial<Http1Options>;
  readonly upstream?: UpstreamConfigInput;
  readonly clock?: Clock;
  readonly tls?: UpstreamTls;
  readonly handler?: Handler;
  /** Uniform in [0, 1): decides between endpoints. */
  readonly random?: () => number;
}

/** Round-robin unless told otherwise, so that a test knows which backend comes first. */
export async function startProxy(options: ProxyOptions): Promise<ProxyUnderTest> {
  const metrics = createMetrics();
  const clock = options.clock ?? systemClock;
  const random = options.random ?? Math.random;
  const config = upstreamConfig({
    endpoints: options.backends.map(({ key }) => key),
    balance: "round-robin",
    backoffBase: "0ms",
    backoffMax: "0ms",
    ...options.upstream,
  });
  const upstream = new Upstream("test", config, { clock, random, metrics });
  await upstream.start();
  const listener = new Listener(
    "test",
    { host: "127.0.0.1", port: 0 },
    upstream,
    { ...HTTP1_DEFAULTS, ...options.http },
    options.tls ?? null,
    { clock, random, metrics, ...(options.handler !== undefined && { handler: options.handler }) },
  );
  await listener.start();
  const clients: ByteStream[] = [];
  const port = listener.addresses[0]?.port as number;
  return {
    listener,
    upstream,
    metrics,
    port,
    client: async () => {
      const client = await ByteStream.open(port);
      clients.push(client);
      return client;
    },
    metric: async (name, labels = {}) => {
      const { body } = await metrics.expose();
      const wanted = Object.entries(labels).map(([label, value]) => `${label}="${value}"`);
      const line = body
        .split("\n")
        .find((text) => text.startsWith(`${name}{`) && wanted.every((label) => text.includes(label)));
      return line === undefined ? 0 : Number(line.slice(line.lastIndexOf(" ")));
    },
    [Symbol.asyncDispose]: async () => {
      for (const { socket } of clients) socket.destroy();
      await listener.stopAccepting();
      await listener.drain(AbortSignal.abort());
      await upstream.stop();
      for (const backend of options.backends) backend.stop();
      const failure = options.backends.map(({ failure: thrown }) => thrown).find((thrown) => thrown !== null);
      if (failure !== undefined) throw failure;
    },
  };
}

/** Lets sockets move until the condition holds: polls once a turn of the event loop, without a time limit of its own. */
export async function eventually(holds: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await holds())) await new Promise<void>((resolve) => setImmediate(resolve));
}

/** Lets the event loop turn so many times: for what must NOT have happened by then. */
export async function turns(count: number): Promise<void> {
  for (let n = 0; n < count; n++) await new Promise<void>((resolve) => setImmediate(resolve));
}
