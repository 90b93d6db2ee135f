/**
 * One port of the workload's localhost: accepts clients and gives each a ClientConnection. Its settings can be replaced
 * while it runs; a request keeps those it began with.
 */
import { createServer, type AddressInfo, type Server, type Socket } from "node:net";
import {
  OutriggerError,
  silentLogger,
  systemClock,
  type Clock,
  type Logger,
  type Metrics,
} from "@outrigger/core";
import type { Upstream } from "@outrigger/upstream";
import { Framing } from "../codec/framing.ts";
import { Head } from "../codec/head.ts";
import type { Handler } from "../serve/handler.ts";
import type { ServedRequest } from "../serve/served-request.ts";
import { AccessLog } from "./access-log.ts";
import { ClientConnection, type ClientHome } from "./client-connection.ts";
import { ConnectionPool } from "./connection-pool.ts";
import { Http1Metrics } from "./http1-metrics.ts";
import { Settings, type Http1Options } from "./settings.ts";
import type { UpstreamTls } from "./upstream-tls.ts";

const BACKLOG = 1024;
/** Turns of the event loop in which nobody was accepted, before a port is closed. */
const QUIET_TURNS = 3;

export interface ListenAddress {
  /** IP address, or `localhost`: 127.0.0.1 and ::1. */
  readonly host: string;
  /** 0: any free port. */
  readonly port: number;
}

export interface ListenerDeps {
  readonly clock?: Clock;
  readonly random?: () => number;
  readonly log?: Logger;
  readonly metrics: Metrics;
  /** Default: everything goes to the upstream. */
  readonly handler?: Handler;
}

export class Listener implements ClientHome {
  readonly name: string;
  readonly clock: Clock;
  readonly metrics: Http1Metrics;
  readonly pool: ConnectionPool;
  readonly log: AccessLog;
  readonly handler: Handler | null;
  /** Scratch for reading requests; see ConnectionPool.head. */
  head: Head;
  readonly framing = new Framing();
  settings: Settings;
  draining = false;
  /** Client connections accepted so far. */
  accepted = 0;

  readonly #log: Logger;
  readonly #address: ListenAddress;
  readonly #clients = new Set<ClientConnection>();
  #servers: Server[] = [];
  readonly #drained: (() => void)[] = [];
  /** It drains: that is not taken back. */
  #ends = false;

  constructor(
    name: string,
    address: ListenAddress,
    upstream: Upstream,
    options: Http1Options,
    tls: UpstreamTls | null,
    deps: ListenerDeps,
  ) {
    this.name = name;
    this.#address = address;
    this.clock = deps.clock ?? systemClock;
    this.handler = deps.handler ?? null;
    this.#log = deps.log ?? silentLogger;
    this.log = new AccessLog(name, this.clock, deps.random ?? Math.random, this.#log);
    this.settings = new Settings(this.clock, options, upstream, tls);
    this.head = headFor(options);
    this.metrics = new Http1Metrics(deps.metrics, name, {
      connections: () => this.#clients.size,
      inFlight: () => this.inFlight(),
      waiting: () => this.pool.waiting,
      upstreamConnections: () => this.pool.size,
    });
    this.pool = new ConnectionPool(this.clock, this.metrics, headFor(options), (detail) =>
      this.#log.warn(
        { listener: name, err: detail },
        "no socket for a connection to an endpoint: requests wait; raise the limit of open files, or set maxConnections",
      ),
    );
    upstream.onRemoved((endpoint) => this.pool.dropIdle(endpoint));
  }

  /** The addresses it listens on, with the real port. */
  get addresses(): readonly AddressInfo[] {
    return this.#servers.map((server) => server.address() as AddressInfo);
  }

  /** @throws OutriggerError `cannot-listen`, naming the address and who may have it */
  async start(): Promise<void> {
    const { host, port } = this.#address;
    if (host !== "localhost") {
      this.#servers = [await this.#listen(host, port)];
      return;
    }
    const v4 = await this.#listen("127.0.0.1", port);
    this.#servers = [v4];
    const samePort = (v4.address() as AddressInfo).port;
    try {
      this.#servers.push(await this.#listen("::1", samePort));
    } catch (error) {
      const code =
        error instanceof OutriggerError && error.cause instanceof Error && "code" in error.cause
          ? error.cause.code
          : "";
      // A machine without IPv6 is served on 127.0.0.1 alone; a taken port is an error on either.
      if (code !== "EADDRNOTAVAIL" && code !== "EAFNOSUPPORT") {
        await this.stopAccepting();
        throw error;
      }
    }
  }

  /** Swaps in new settings: requests that begin from now on use them. */
  reconfigure(options: Http1Options, tls: UpstreamTls | null): void {
    const { upstream } = this.settings;
    this.settings.retire();
    this.settings = new Settings(this.clock, options, upstream, tls);
    if (
      options.maxHeadBytes !== this.head.limits.maxBytes ||
      options.maxHeadFields !== this.head.limits.maxFields
    ) {
      this.head = headFor(options);
      this.pool.head = headFor(options);
    }
  }

  connections(): number {
    return this.#clients.size;
  }

  inFlight(): number {
    let count = 0;
    for (const client of this.#clients) if (client.inFlight) count++;
    return count;
  }

  /** Closes the ports once whoever has connected is accepted, or the signal aborts; open connections go on being served. */
  async stopAccepting(signal?: AbortSignal): Promise<void> {
    const servers = this.#servers;
    this.#servers = [];
    await Promise.all(servers.map((server) => closePort(server, signal)));
  }

  /** Answers say `connection: close` from now on, so that clients go elsewhere with their next request; false: no more. */
  turnClientsAway(away: boolean): void {
    this.draining = away || this.#ends;
  }

  /** Closes connections without a request, after a moment for the one that may be on its way; busy ones say so themselves. */
  closeIdle(): void {
    for (const client of this.#clients) client.drain();
  }

  /**
   * Finishes what is in flight, answering with `connection: close`; idle connections get a moment for the request that
   * may be on its way. Resolves with the number of requests cut when the signal aborts (0 when all ended by themselves).
   */
  async drain(signal: AbortSignal): Promise<number> {
    this.#ends = this.draining = true;
    this.closeIdle();
    let cut = 0;
    const abort = (): void => {
      cut = this.inFlight();
      for (const client of [...this.#clients]) client.destroy();
    };
    if (this.#clients.size > 0) {
      await new Promise<void>((resolve) => {
        this.#drained.push(resolve);
        if (signal.aborted) abort();
        else signal.addEventListener("abort", abort, { once: true });
      });
    }
    signal.removeEventListener("abort", abort);
    this.pool.close();
    this.settings.clear();
    this.metrics.stop();
    return cut;
  }

  handlerFailed(request: ServedRequest, thrown: unknown): void {
    if (OutriggerError.from(thrown).code === "client-left") return;
    this.#log.error({ listener: this.name, err: thrown }, "a request could not be answered");
    request.fail();
  }

  /** A client connection has closed. */
  forget(client: ClientConnection): void {
    if (this.#clients.delete(client)) this.pool.socketFreed();
    if (this.#clients.size === 0 && this.draining) {
      for (const resolve of this.#drained.splice(0)) resolve();
    }
  }

  #listen(host: string, port: number): Promise<Server> {
    const server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => this.#accept(socket));
    return new Promise((resolve, reject) => {
      server.once("error", (error: NodeJS.ErrnoException) => {
        const remedy =
          error.code === "EADDRINUSE"
            ? "another process listens there: choose another port in the route, or stop it"
            : error.message;
        reject(
          new OutriggerError(
            "cannot-listen",
            `listener ${this.name} cannot listen on ${host}:${port}: ${remedy}`,
            { cause: error },
          ),
        );
      });
      server.listen({ host, port, backlog: BACKLOG, ipv6Only: host === "::1" }, () => {
        server.removeAllListeners("error");
        server.on("error", (error) =>
          this.#log.error({ listener: this.name, err: error.message }, "the listening socket failed"),
        );
        resolve(server);
      });
    });
  }

  #accept(socket: Socket): void {
    this.accepted++;
    this.metrics.connections.inc();
    this.#clients.add(new ClientConnection(this, socket));
  }
}

/**
 * Who has connected, and was not accepted yet, would be reset by the close: turns of the loop accept them, one or more at a
 * time. The kernel hands them over in the order in which they came and keeps no more than the backlog and one, so that
 * after as many all are in who were there at first, even where others go on coming.
 */
async function closePort(server: Server, signal?: AbortSignal): Promise<void> {
  let accepted = 0;
  server.on("connection", () => accepted++);
  for (let quiet = 0; quiet < QUIET_TURNS && accepted <= BACKLOG && !signal?.aborted;) {
    const before = accepted;
    await turn();
    quiet = accepted === before ? quiet + 1 : 0;
  }
  // close() waits for every connection; the port itself is free at once, which is all that is awaited here.
  server.close();
  await turn();
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

function headFor(options: Http1Options): Head {
  return new Head({ maxBytes: options.maxHeadBytes, maxFields: options.maxHeadFields });
}
