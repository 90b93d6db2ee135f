/**
 * The other end of a call: which endpoints there are, which one takes the next attempt, and what is allowed. It knows
 * no protocol: the caller connects, sends, and says how it ended.
 *
 * A request's way: `admit`, then for each attempt `pick`, `limits.tryConnect` if it needs a new connection, `started`,
 * `ended`; between attempts `retry.take` and `retry.backoff`; at last `release`. None of these allocates or waits.
 */
import {
  formatDuration,
  silentLogger,
  systemClock,
  type Clock,
  type Logger,
  type Metrics,
  type Milliseconds,
} from "@outrigger/core";
import type { KubernetesClient } from "@outrigger/core/kubernetes";
import type { Balancer } from "./balance/balancer.ts";
import { LeastRequest } from "./balance/least-request.ts";
import { buildPool, emptyPool, type Pool } from "./balance/pool.ts";
import { RoundRobin } from "./balance/round-robin.ts";
import type { UpstreamConfig } from "./config.ts";
import { Discovery } from "./discovery/discovery.ts";
import type { NameResolver } from "./discovery/name-resolver.ts";
import { EndpointSet } from "./endpoint/endpoint-set.ts";
import type { Endpoint, Target } from "./endpoint/endpoint.ts";
import type { Outcome } from "./endpoint/outcome.ts";
import { ActiveHealth } from "./health/active-health.ts";
import { OutlierEjection } from "./health/outlier-ejection.ts";
import { probeEndpoint, probeSpec, type Probe, type ProbeSpec } from "./health/probe.ts";
import { Instruments } from "./instruments.ts";
import { AdaptiveLimit } from "./resilience/adaptive-limit.ts";
import { Admission, type Rejection } from "./resilience/admission.ts";
import { ConnectionLimits } from "./resilience/connection-limits.ts";
import { Hedging } from "./resilience/hedging.ts";
import { RetryBudget } from "./resilience/retry-budget.ts";
import { describeEndpoint, describePool, type UpstreamSnapshot } from "./snapshot.ts";

export interface UpstreamDeps {
  readonly clock: Clock;
  /** Uniform in [0, 1). */
  readonly random: () => number;
  readonly log: Logger;
  readonly metrics: Metrics;
  /** Instead of our own resolver. */
  readonly resolver: NameResolver;
  /** Instead of the pod's own access to the cluster, or kubeconfig's: for discovery=kubernetes. */
  readonly kubernetes: () => Promise<KubernetesClient>;
  /** Instead of plain TCP and HTTP health checks. */
  readonly probe: Probe;
}

export class Upstream {
  readonly name: string;
  readonly retry: RetryBudget;
  readonly hedge: Hedging;
  readonly limits: ConnectionLimits;
  #config: UpstreamConfig;
  readonly #clock: Clock;
  readonly #random: () => number;
  readonly #log: Logger;
  readonly #set = new EndpointSet();
  readonly #instruments: Instruments;
  readonly #admission: Admission;
  readonly #ejection: OutlierEjection;
  readonly #health: ActiveHealth;
  readonly #discovery: Discovery;
  readonly #stopExposing: () => void;
  readonly #removedListeners: ((endpoint: Endpoint) => void)[] = [];
  #balancer: Balancer;
  #pool: Pool = emptyPool;
  /** A state changed since #pool was built. */
  #stale = true;
  #panicTold = false;
  #state: "new" | "running" | "stopped" = "new";

  /**
   * Endpoints that need no discovery (static IP addresses) can be picked at once, also without `start`.
   * @param config as `upstreamConfig` or a schema with `upstreamShape` returns it
   */
  constructor(name: string, config: UpstreamConfig, deps: Partial<UpstreamDeps> = {}) {
    this.name = name;
    this.#config = config;
    this.#clock = deps.clock ?? systemClock;
    this.#random = deps.random ?? Math.random;
    this.#log = deps.log?.child({ upstream: name }) ?? silentLogger;
    const now = this.#clock.now();
    const count = new Instruments(name, deps.metrics ?? null);
    this.#instruments = count;
    this.#stopExposing = deps.metrics?.beforeExpose(() => this.#refreshMetrics()) ?? ((): void => {});
    this.#admission = new Admission(config, count.rejections, now);
    this.limits = new ConnectionLimits(config, count.rejections);
    this.retry = new RetryBudget(config, this.#admission, this.#set, this.#random, count.retries);
    this.hedge = new Hedging(config, this.#clock, count.hedges);
    this.#balancer = this.#createBalancer();
    this.#ejection = new OutlierEjection(
      config,
      {
        ejected: (endpoint, reason, why, span) => {
          this.#stale = true;
          count.ejected(endpoint, reason);
          const { key } = endpoint;
          this.#log.warn({ endpoint: key, reason }, `ejected ${key} for ${formatDuration(span)}: ${why}`);
        },
        returned: (endpoint) => {
          this.#stale = true;
          this.#log.info({ endpoint: endpoint.key }, `${endpoint.key} is back from ejection, on probation`);
        },
      },
      now,
    );
    this.#health = new ActiveHealth(config, specOf(config), {
      clock: this.#clock,
      random: this.#random,
      probe: deps.probe ?? probeEndpoint,
      events: { changed: (endpoint) => this.#healthChanged(endpoint) },
    });
    this.#discovery = new Discovery(config, {
      clock: this.#clock,
      random: this.#random,
      log: this.#log,
      count: count.discovery,
      resolver: deps.resolver ?? null,
      kubernetes: deps.kubernetes ?? null,
      onTargets: (targets) => this.#setTargets(targets),
    });
  }

  /** Those that discovery lists now, whatever their state. */
  get endpoints(): readonly Endpoint[] {
    return this.#set.list;
  }

  /** Requests admitted and not yet released. */
  get active(): number {
    return this.#admission.active;
  }

  /**
   * Starts discovery and active health. Resolves after the first answer of discovery, or its time limit; does not
   * throw because the world is down.
   */
  async start(): Promise<void> {
    if (this.#state !== "new") return;
    this.#state = "running";
    this.#health.start();
    await this.#discovery.start();
  }

  /** Leaves no timer, socket or watcher. Endpoints stay readable; nothing is discovered or checked any more. */
  async stop(): Promise<void> {
    if (this.#state === "stopped") return;
    this.#state = "stopped";
    this.#stopExposing();
    await Promise.all([this.#discovery.stop(), this.#health.stop()]);
    this.#instruments.close(this.#set.list);
  }

  /**
   * Takes another configuration, while in use. Endpoints that stay are the same objects, with health, ejection and
   * counts; what is in flight is not touched.
   */
  update(config: UpstreamConfig): void {
    if (this.#state === "stopped") return;
    const now = this.#clock.now();
    const old = this.#config;
    this.#config = config;
    this.#admission.configure(config, now);
    this.limits.configure(config);
    this.retry.configure(config);
    this.hedge.configure(config);
    if (config.balance !== old.balance || config.slowStart !== old.slowStart) {
      this.#balancer = this.#createBalancer();
      if (config.slowStart === 0) for (const endpoint of this.#set.list) endpoint.rampSince = -1;
    }
    for (const endpoint of this.#set.list) this.#learnLimit(endpoint, now);
    this.#ejection.configure(config, now);
    this.#health.configure(config, specOf(config));
    this.#stale = true;
    this.#discovery.configure(config);
  }

  /** Called for each endpoint that discovery drops: idle connections to it can be closed. */
  onRemoved(listener: (endpoint: Endpoint) => void): void {
    this.#removedListeners.push(listener);
  }

  /** Asks for one request. null: admitted, to be paired with `release` when it is over. */
  admit(now: Milliseconds): Rejection | null {
    const rejection = this.#admission.admit(now);
    if (rejection === null) this.hedge.requestAdmitted();
    return rejection;
  }

  release(): void {
    this.#admission.release();
  }

  /**
   * The endpoint for the next attempt: one that is not in `avoid` while another can be picked. null: there is none at
   * all (nothing discovered, everything drained, or nothing available and panicThreshold 0).
   */
  pick(now: Milliseconds, avoid: readonly Endpoint[]): Endpoint | null {
    if (now >= this.#ejection.nextReturn) this.#ejection.expire(now);
    if (this.#stale) this.#rebuild();
    return this.#balancer.choose(this.#pool, avoid, now);
  }

  /** An attempt begins. Each is paired with one `ended`. */
  started(endpoint: Endpoint): void {
    endpoint.active++;
  }

  /**
   * An attempt ended, as `outcome` says, `latency` after it began (to the head of the answer, where there is one).
   */
  ended(endpoint: Endpoint, outcome: Outcome, latency: Milliseconds, now: Milliseconds): void {
    endpoint.adaptive?.observe(outcome, latency, endpoint.active - endpoint.tunnels, now);
    if (endpoint.active > 0) endpoint.active--;
    endpoint.outcomes[outcome]++;
    if (outcome === "connect-failure") this.#discovery.doubt();
    this.#ejection.judge(endpoint, outcome, now);
    this.hedge.observe(outcome, latency, now);
  }

  /** Why `pick` returns what it does, in one sentence for people. */
  explainPool(now: Milliseconds): string {
    this.#ejection.expire(now);
    if (this.#stale) this.#rebuild();
    return describePool(this.#pool);
  }

  describe(now: Milliseconds): UpstreamSnapshot {
    this.#ejection.expire(now);
    if (this.#stale) this.#rebuild();
    const { members, available, panic } = this.#pool;
    return {
      name: this.name,
      endpoints: this.#set.list.map((endpoint) => describeEndpoint(endpoint, now)),
      members,
      available,
      panic,
      active: this.#admission.active,
      pending: this.limits.pending,
      retrying: this.retry.retrying,
      retriesAllowed: this.retry.allowed,
      hedgeDelay: this.hedge.delay(),
      discovery: this.#discovery.describe(),
    };
  }

  #setTargets(targets: readonly Target[]): void {
    const now = this.#clock.now();
    const first = this.#set.size === 0;
    const { added, removed } = this.#set.replace(targets);
    // The first ones share the load from the start; a late-comer is eased in.
    if (!first && this.#config.slowStart > 0) for (const endpoint of added) endpoint.rampSince = now;
    for (const endpoint of added) this.#learnLimit(endpoint, now);
    this.#stale = true;
    this.#ejection.setEndpoints(this.#set.list, now);
    this.#health.setEndpoints(this.#set.list);
    this.#log.info(
      {
        endpoints: this.#set.size,
        added: added.map(({ key }) => key),
        removed: removed.map(({ key }) => key),
      },
      "endpoints changed",
    );
    for (const endpoint of removed) {
      this.#instruments.forget(endpoint);
      for (const listener of this.#removedListeners) listener(endpoint);
    }
  }

  /** What has been learnt stays under another configuration. */
  #learnLimit(endpoint: Endpoint, now: Milliseconds): void {
    if (!this.#config.adaptiveConcurrency) endpoint.adaptive = null;
    else if (endpoint.adaptive) endpoint.adaptive.configure(this.#config);
    else endpoint.adaptive = new AdaptiveLimit(this.#config, now);
  }

  #healthChanged(endpoint: Endpoint): void {
    this.#stale = true;
    const { key, healthy } = endpoint;
    if (healthy) {
      if (this.#config.slowStart > 0) endpoint.rampSince = this.#clock.now();
      this.#log.info({ endpoint: key }, `${key} is healthy again`);
    } else {
      this.#log.warn(
        { endpoint: key },
        `${key} is unhealthy: ${endpoint.healthReason ?? "failed its check"}`,
      );
    }
  }

  #rebuild(): void {
    this.#stale = false;
    this.#pool = buildPool(this.#set.list, this.#config.panicThreshold);
    const { panic } = this.#pool;
    if (panic && !this.#panicTold) this.#log.warn({}, describePool(this.#pool));
    if (!panic && this.#panicTold) this.#log.info({}, `${describePool(this.#pool)}: the panic is over`);
    this.#panicTold = panic;
  }

  #createBalancer(): Balancer {
    const { balance, slowStart } = this.#config;
    return balance === "round-robin" ? new RoundRobin(slowStart) : new LeastRequest(this.#random, slowStart);
  }

  #refreshMetrics(): void {
    this.#ejection.expire(this.#clock.now());
    if (this.#stale) this.#rebuild();
    this.#instruments.refresh(this.#set.list, this.#pool, this.#admission.active);
  }
}

function specOf(config: UpstreamConfig): ProbeSpec | null {
  return probeSpec(config.health, config.healthStatus, config.healthPort ?? null);
}
