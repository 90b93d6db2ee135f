/** One route of protocol http or https: a listener of the HTTP/1.1 engine and the upstream behind it. */
import {
  formatHostPort,
  OutriggerError,
  type DataListener,
  type Gate,
  type HostPort,
  type PatternDeps,
} from "@outrigger/core";
import {
  Listener,
  UpstreamTlsWatcher,
  type Http1Options,
  type ListenAddress,
  type UpstreamTls,
} from "@outrigger/proxy";
import { Upstream } from "@outrigger/upstream";
import { isGate, routeName, upstreamOf, type RouteConfig } from "../config.ts";
import { RouteGate } from "./route-gate.ts";
import { WorkloadSeen } from "./workload-seen.ts";

/** How often certificate files are looked at. */
const TLS_CHECK_INTERVAL = 5_000;

/** A reload that is ready: either is called, once. */
export interface PreparedSwap {
  commit(): void;
  discard(): void;
}

interface LoadedTls {
  readonly watcher: UpstreamTlsWatcher | null;
  /** Never null for https: what goes out in clear would be what was meant to be secret. */
  readonly credentials: UpstreamTls | null;
}

export class HttpRoute implements DataListener {
  readonly name: string;
  #config: RouteConfig;
  readonly #deps: PatternDeps;
  readonly #upstream: Upstream;
  #tls: UpstreamTlsWatcher | null = null;
  #credentials: UpstreamTls | null = null;
  #listener: Listener | null = null;
  #gate: RouteGate | null = null;
  #workload: WorkloadSeen | null = null;
  /** Set from the first stop() on. */
  #stopping: Promise<void> | null = null;
  #starting: Promise<void> | null = null;

  constructor(config: RouteConfig, deps: PatternDeps) {
    this.name = routeName(config);
    this.#config = config;
    this.#deps = deps;
    this.#upstream = new Upstream(this.name, upstreamOf(config), deps);
  }

  get role(): "egress" | "ingress" {
    return this.#config.role;
  }

  get config(): RouteConfig {
    return this.#config;
  }

  get addresses(): readonly string[] {
    return (this.#listener?.addresses ?? []).map(({ address, port }) =>
      formatHostPort({ host: address, port }),
    );
  }

  /** The port it really listens on; 0 before it does. */
  get port(): number {
    return this.#listener?.addresses[0]?.port ?? 0;
  }

  /**
   * Listens; resolves when requests are accepted. Discovery goes on in the background: a world that is down makes no
   * container unready.
   * @throws OutriggerError `cannot-listen`, `bad-tls`, `stopped` when stop() came first; nothing is left open then
   */
  async start(): Promise<void> {
    this.#starting = this.#open();
    try {
      await this.#starting;
    } catch (error) {
      await this.stop();
      throw error;
    }
  }

  /** stop() may come in each of its waits: what was got meanwhile is given back. */
  async #open(): Promise<void> {
    this.#refuseStopped();
    const tls = await this.#loadTls(this.#config);
    if (this.#stopped) tls.watcher?.stop();
    this.#refuseStopped();
    this.#tls = tls.watcher;
    this.#credentials = tls.credentials;
    const listener = new Listener(
      this.name,
      addressOf(this.#config),
      this.#upstream,
      optionsOf(this.#config),
      this.#credentials,
      this.#deps,
    );
    this.#listener = listener;
    listener.log.sample = this.#config.accessLog;
    // The first answer of discovery is waited for (within discoveryTimeout), so that the first request finds endpoints.
    await this.#upstream.start();
    this.#refuseStopped();
    await listener.start();
    this.#refuseStopped();
    this.#lookForWorkload();
  }

  /** A workload that a reload names is another one: it must be seen, too. */
  #lookForWorkload(): void {
    this.#workload?.stop();
    this.#workload = null;
    const workload = this.#workloadAddress();
    if (workload === null) return;
    this.#workload = new WorkloadSeen(workload, this.#deps.clock);
    this.#workload.start();
  }

  /** Of the one workload that is gated; null: there are several, or this is no gate. */
  #workloadAddress(): HostPort | null {
    const [workload] = this.#config.endpoints;
    if (!isGate(this.#config) || workload?.port == null) return null;
    return { host: workload.host, port: workload.port };
  }

  /** Where the platform calls in, and it listens. */
  get gate(): Gate | undefined {
    if (this.role === "egress" || this.#listener === null) return undefined;
    return (this.#gate ??= new RouteGate(this.#listener, () => this.#workloadAddress()));
  }

  /** Whether a gate's workload has not accepted a connection yet. */
  get awaitsWorkload(): boolean {
    return this.#workload?.seen === false;
  }

  #refuseStopped(): void {
    if (this.#stopped)
      throw new OutriggerError("stopped", `route ${this.name} was stopped before it had started`);
  }

  /** Whether another config can be taken over without opening another port. */
  canBecome(config: RouteConfig): boolean {
    return (
      routeName(config) === this.name && formatHostPort(config.listen) === formatHostPort(this.#config.listen)
    );
  }

  /** Loads what another config needs; throws, with nothing changed, when that cannot be had. */
  async prepare(config: RouteConfig): Promise<PreparedSwap> {
    const sameTls =
      JSON.stringify([config.protocol, config.tls]) ===
      JSON.stringify([this.#config.protocol, this.#config.tls]);
    const fresh = sameTls ? null : await this.#loadTls(config);
    return {
      commit: () => {
        if (fresh !== null) {
          this.#tls?.stop();
          this.#tls = fresh.watcher;
          this.#credentials = fresh.credentials;
        }
        const before = this.#workloadAddress();
        this.#config = config;
        if (JSON.stringify(before) !== JSON.stringify(this.#workloadAddress())) this.#lookForWorkload();
        this.#upstream.update(upstreamOf(config));
        this.#reconfigureListener();
      },
      discard: () => fresh?.watcher?.stop(),
    };
  }

  async stopAccepting(signal: AbortSignal): Promise<void> {
    await this.#listener?.stopAccepting(signal);
  }

  connections(): number {
    return this.#listener?.connections() ?? 0;
  }

  accepted(): number {
    return this.#listener?.accepted ?? 0;
  }

  inFlight(): number {
    return this.#listener?.inFlight() ?? 0;
  }

  async drain(signal: AbortSignal): Promise<number> {
    const cut = (await this.#listener?.drain(signal)) ?? 0;
    await this.stop();
    return cut;
  }

  /** Closes at once what is still open; a start under way fails, and is waited for. Idempotent. */
  stop(): Promise<void> {
    this.#stopping ??= this.#close();
    return this.#stopping;
  }

  get #stopped(): boolean {
    return this.#stopping !== null;
  }

  async #close(): Promise<void> {
    this.#tls?.stop();
    this.#workload?.stop();
    // First: this also ends the wait for discovery of a start.
    await this.#upstream.stop();
    // Whether it failed is told to who started it.
    await this.#starting?.catch(() => {});
    const now = AbortSignal.abort();
    await this.#listener?.stopAccepting(now);
    await this.#listener?.drain(now);
  }

  /** For /explain: what it does and why. */
  describe(): object {
    const { protocol, role } = this.#config;
    return {
      name: this.name,
      listen: this.addresses,
      protocol,
      role,
      connections: this.connections(),
      inFlight: this.inFlight(),
      picks: this.#upstream.explainPool(this.#deps.clock.now()),
      upstream: this.#upstream.describe(this.#deps.clock.now()),
    };
  }

  /** Reads the certificates that a config names, and watches them; the route itself is not touched. */
  async #loadTls(config: RouteConfig): Promise<LoadedTls> {
    if (config.protocol !== "https") return { watcher: null, credentials: null };
    const { caFile = null, certFile = null, keyFile = null, serverName = null } = config.tls ?? {};
    const files = { caFile, certFile, keyFile, serverName };
    const watcher: UpstreamTlsWatcher = new UpstreamTlsWatcher(
      files,
      this.#deps.clock,
      TLS_CHECK_INTERVAL,
      this.#deps.log,
      (credentials) => {
        // Not before it is in use, and not after: a config that was refused changes nothing later, either.
        if (this.#tls !== watcher) return;
        this.#credentials = credentials;
        this.#reconfigureListener();
      },
    );
    return { watcher, credentials: await watcher.start() };
  }

  #reconfigureListener(): void {
    if (!this.#listener) return;
    this.#listener.log.sample = this.#config.accessLog;
    this.#listener.reconfigure(optionsOf(this.#config), this.#credentials);
  }
}

function addressOf(config: RouteConfig): ListenAddress {
  return { host: config.listen.host ?? "localhost", port: config.listen.port };
}

function optionsOf(config: RouteConfig): Http1Options {
  return {
    ...config,
    hold: config.hold ?? 0,
    host: config.host ?? null,
    retryStatuses: new Set(config.retryStatuses.map(Number)),
  };
}
