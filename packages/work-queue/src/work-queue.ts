/** The work queue: callers' requests become jobs, and jobs the workload's requests. */
import {
  createMetrics,
  formatHostPort,
  OutriggerError,
  silentLogger,
  systemClock,
  type ControlRoute,
  type DataListener,
  type HealthCheck,
  type HostPort,
  type Metrics,
  type Milliseconds,
  type Pattern,
  type PatternDeps,
} from "@outrigger/core";
import { HTTP1_DEFAULTS, Listener } from "@outrigger/proxy";
import { Upstream, upstreamConfig, type UpstreamConfig } from "@outrigger/upstream";
import { parseWorkQueueConfig, type WorkQueueConfig, type WorkQueueInput } from "./config/config.ts";
import { refuseOthers } from "./config/live.ts";
import { boardRoute } from "./board/route.ts";
import { deadLetterRoutes } from "./dead-letters/routes.ts";
import { FrontMetrics } from "./front/front-metrics.ts";
import { Front } from "./front/front.ts";
import { isAway, OpenQueue } from "./open-queue.ts";
import { scheduleRoute } from "./schedules/routes.ts";
import type { Scaler } from "./scaler/scaler.ts";

export interface WorkQueueDeps extends PatternDeps {
  readonly random: () => number;
}

/** Between attempts to reach a backend that was away at the start. */
const REACH_EVERY: Milliseconds = 1_000;

export class WorkQueue implements Pattern<WorkQueueConfig> {
  readonly metrics: Metrics;
  #config: WorkQueueConfig;
  readonly #deps: WorkQueueDeps;
  /** null: the backend was not reached yet. */
  #queue: OpenQueue | null = null;
  #upstream: Upstream | null = null;
  #front: Front | null = null;
  #listener: Listener | null = null;
  #scaler: Scaler | null = null;
  #state: "new" | "started" | "stopped" = "new";
  readonly #stopped = new AbortController();
  #starting: Promise<void> = Promise.resolve();
  #reaching: Promise<void> = Promise.resolve();
  #draining: Promise<void> = Promise.resolve();
  #finish = (): void => {};
  #fail = (_error: Error): void => {};
  /** With drainAndExit: no job is left. Rejects where an embedded database has ended: another process can go on with it. */
  readonly finished: Promise<void> = new Promise((resolve, reject) => {
    this.#finish = resolve;
    this.#fail = reject;
  });

  constructor(config: WorkQueueConfig, deps: WorkQueueDeps) {
    this.#config = config;
    this.#deps = deps;
    this.metrics = deps.metrics;
    // Who does not wait for it hears of it by all that fails.
    this.finished.catch(() => {});
  }

  get listeners(): readonly DataListener[] {
    return [...this.#frontListener(), ...this.#scalerListener(), ...this.#workerListener()];
  }

  get checks(): readonly HealthCheck[] {
    const { kind } = this.#config.backend;
    return [
      {
        name: "backend",
        kind: "startup",
        check: () => ({
          ok: this.#queue !== null,
          detail: this.#queue ? kind : `${kind} is not reached yet`,
        }),
      },
    ];
  }

  get controlRoutes(): readonly ControlRoute[] {
    return [
      ...deadLetterRoutes(() => this.#queue?.store.deadLetters ?? null),
      scheduleRoute(() => this.#queue?.schedules ?? null),
      ...(this.#config.board ? [boardRoute(() => this.#queue?.board ?? null)] : []),
    ];
  }

  /**
   * Resolves when callers are heard. A backend that is away is tried again and again; until it is there they are told 503.
   * @throws OutriggerError `not-durable`, `folder-in-use`, `folder-unusable`, `no-embedded`, `cannot-listen`
   */
  async start(): Promise<void> {
    if (this.#state !== "new")
      throw new OutriggerError("already-started", "a work queue starts once; create another");
    this.#state = "started";
    this.#starting = this.#begin();
    try {
      await this.#starting;
    } catch (thrown) {
      await this.stop();
      throw thrown;
    }
  }

  async stop(): Promise<void> {
    this.#state = "stopped";
    this.#stopped.abort(new Error("the work queue was stopped"));
    // What it opens, and is given up now, would be closed by nobody.
    await this.#starting.catch(() => {});
    await this.#reaching;
    await this.#listener?.stopAccepting(AbortSignal.abort());
    await this.#listener?.drain(AbortSignal.abort());
    await this.#scaler?.drain(AbortSignal.abort());
    await this.#upstream?.stop();
    await this.#queue?.close();
    this.#listener = this.#scaler = this.#upstream = this.#queue = null;
  }

  /**
   * Takes the limits and times of LIVE_KEYS, all at once, for what comes from now on: a request or an attempt under way keeps
   * those that it began with, and a job the attempts that it was kept with.
   * @throws OutriggerError `not-started`; `restart-needed`: something else is changed, and nothing was taken
   */
  async reload(config: WorkQueueConfig): Promise<void> {
    if (this.#state !== "started")
      throw new OutriggerError("not-started", `cannot reload: this work queue is ${this.#state}`);
    refuseOthers(this.#config, config);
    this.#config = config;
    this.#front?.reload(config);
    this.#queue?.reload(config);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  async #begin(): Promise<void> {
    const reached = await this.#reach();
    if (this.#stopped.signal.aborted) return;
    if (this.#config.role !== "worker") await this.#listen();
    if (this.#config.scaler) await this.#scale(this.#config.scaler);
    if (!reached) this.#reaching = this.#goOnReaching();
  }

  /** @returns false: the backend is away */
  async #reach(): Promise<boolean> {
    const { log } = this.#deps;
    try {
      const deps = { ...this.#deps, depthChanged: () => this.#scaler?.changed() };
      const queue = await OpenQueue.open(this.#config, deps, this.#stopped.signal);
      if (this.#stopped.signal.aborted) await queue.close();
      else {
        this.#queue = queue;
        // What was changed while it was being opened.
        queue.reload(this.#config);
        void queue.ended.then((error) => this.#fail(error));
        if (this.#config.drainAndExit) void this.#endWithTheLastJob(queue);
      }
      return true;
    } catch (thrown) {
      const { code, message } = OutriggerError.from(thrown);
      if (!isAway(code)) throw thrown;
      if (this.#stopped.signal.aborted) return false;
      log.warn({ err: message }, "the backend is not reached; callers are told 503 until it is");
      return false;
    }
  }

  async #endWithTheLastJob({ store }: OpenQueue): Promise<void> {
    try {
      await store.emptied(() => this.#config.maxBackoff, this.#stopped.signal);
    } catch {
      // It was stopped before.
      return;
    }
    this.#deps.log.info({}, "no job is left: the worker ends");
    this.#finish();
  }

  async #goOnReaching(): Promise<void> {
    const { clock, log } = this.#deps;
    const { signal } = this.#stopped;
    while (!signal.aborted) {
      await clock.sleep(REACH_EVERY, signal).catch(() => {});
      if (signal.aborted) return;
      try {
        if (!(await this.#reach())) continue;
        log.info({}, "the backend is reached");
        return;
      } catch (thrown) {
        // It is there, and will not do: somebody may mend it.
        log.error({ err: OutriggerError.from(thrown).message }, "the backend cannot be used");
      }
    }
  }

  async #listen(): Promise<void> {
    const { workload, listen } = this.#config;
    const { log, clock, metrics, random } = this.#deps;
    this.#upstream = new Upstream("workload", upstreamOf(workload), { clock, log, metrics, random });
    await this.#upstream.start();
    const handler = new Front(this.#config, {
      queue: () => this.#queue,
      clock,
      metrics: new FrontMetrics(metrics, () => this.#queue?.waits.count ?? 0),
    });
    this.#front = handler;
    const listener = new Listener(
      "front",
      { host: listen.host ?? "::", port: listen.port },
      this.#upstream,
      HTTP1_DEFAULTS,
      null,
      { clock, log, metrics, random, handler },
    );
    await listener.start();
    this.#listener = listener;
  }

  async #scale({ host = "::", port }: HostPort): Promise<void> {
    const { log, metrics } = this.#deps;
    // gRPC is loaded where it is asked for.
    const { Scaler } = await import("./scaler/scaler.ts");
    const toDo = (): number | null => this.#queue?.store.depth.toDo ?? null;
    const scaler = new Scaler({ host, port }, { log, metrics, toDo });
    await scaler.start();
    this.#scaler = scaler;
  }

  #scalerListener(): DataListener[] {
    const scaler = this.#scaler;
    if (scaler === null) return [];
    return [
      {
        name: "scaler",
        role: "ingress",
        addresses: scaler.addresses,
        stopAccepting: () => scaler.stopAccepting(),
        connections: () => scaler.connections(),
        inFlight: () => scaler.inFlight(),
        drain: (signal) => scaler.drain(signal),
      },
    ];
  }

  #frontListener(): DataListener[] {
    const listener = this.#listener;
    if (listener === null) return [];
    return [
      {
        name: "front",
        role: "ingress",
        addresses: listener.addresses.map(({ address, port }) => formatHostPort({ host: address, port })),
        stopAccepting: (signal) => listener.stopAccepting(signal),
        connections: () => listener.connections(),
        inFlight: () => listener.inFlight(),
        drain: (signal) => {
          // Their jobs are kept, and may be done after the end of this process.
          this.#queue?.watches.letGo();
          return listener.drain(signal);
        },
      },
    ];
  }

  #workerListener(): DataListener[] {
    if (this.#config.role === "front") return [];
    return [
      {
        name: "worker",
        role: "ingress",
        // While callers are still heard, no further job is begun: it might not be done before the end.
        drainBegins: (graceEnds) => {
          this.#draining = this.#queue?.worker?.end(graceEnds) ?? Promise.resolve();
        },
        stopAccepting: async () => {},
        connections: () => 0,
        inFlight: () => this.#queue?.worker?.running ?? 0,
        drain: async () => {
          await this.#draining;
          return 0;
        },
      },
    ];
  }
}

/** Whom the requests that pass go to; nothing passes to a program that reads files, which has no port. */
function upstreamOf(workload: string): UpstreamConfig {
  const { hostname, port } = new URL(workload);
  const config = upstreamConfig({ endpoints: [`${hostname || "localhost"}:${port || 80}`] });
  return hostname === "" ? { ...config, endpoints: [] } : config;
}

/**
 * A work queue as a library: nothing is global, two of them live in one process.
 * @throws OutriggerError `bad-config`
 */
export function createWorkQueue(config: WorkQueueInput, deps: Partial<WorkQueueDeps> = {}): WorkQueue {
  return new WorkQueue(parseWorkQueueConfig(config), {
    clock: deps.clock ?? systemClock,
    log: deps.log ?? silentLogger,
    metrics: deps.metrics ?? createMetrics(),
    random: deps.random ?? Math.random,
  });
}
