/** The other end of a call: which endpoints there are, which one takes the next request, and what is allowed. */
import {
  silentLogger,
  systemClock,
  type Clock,
  type Logger,
  type Metrics,
  type Milliseconds,
} from "@outrigger/core";
import type { UpstreamConfig } from "./config.ts";
import { createEndpoint, targetAt, type Endpoint, type Outcome } from "./endpoint/endpoint.ts";

export type Rejection = "max-requests" | "rate-limited";

export interface UpstreamDeps {
  readonly clock: Clock;
  /** Uniform in [0, 1). */
  readonly random: () => number;
  readonly log: Logger;
  readonly metrics: Metrics;
}

export interface EndpointSnapshot {
  readonly key: string;
  readonly state: "ok" | "ejected" | "unhealthy" | "drained";
  readonly why: string | null;
  readonly weight: number;
  readonly active: number;
  readonly connections: number;
}
export interface UpstreamSnapshot {
  readonly name: string;
  readonly endpoints: readonly EndpointSnapshot[];
}

export class Upstream {
  readonly name: string;
  #config: UpstreamConfig;
  readonly #clock: Clock;
  readonly #random: () => number;
  readonly #log: Logger;
  #endpoints: Endpoint[] = [];
  #cursor = 0;
  #active = 0;
  #pending = 0;
  readonly #removed: ((endpoint: Endpoint) => void)[] = [];

  constructor(name: string, config: UpstreamConfig, deps: Partial<UpstreamDeps> = {}) {
    this.name = name;
    this.#config = config;
    this.#clock = deps.clock ?? systemClock;
    this.#random = deps.random ?? Math.random;
    this.#log = deps.log ?? silentLogger;
    this.update(config);
  }

  get endpoints(): readonly Endpoint[] {
    return this.#endpoints;
  }

  async start(): Promise<void> {}
  async stop(): Promise<void> {}

  update(config: UpstreamConfig): void {
    this.#config = config;
    const old = this.#endpoints;
    this.#endpoints = config.endpoints.map(({ host, port, weight }) => {
      const target = targetAt(host, port ?? 80, weight);
      const kept = old.find((endpoint) => endpoint.key === target.key);
      if (!kept) return createEndpoint(target);
      kept.weight = weight;
      return kept;
    });
    for (const endpoint of old) {
      if (this.#endpoints.includes(endpoint)) continue;
      endpoint.removed = true;
      for (const listener of this.#removed) listener(endpoint);
    }
    this.#log.debug({ endpoints: this.#endpoints.length, now: this.#clock.now() }, "endpoints updated");
  }

  onRemoved(listener: (endpoint: Endpoint) => void): void {
    this.#removed.push(listener);
  }

  admit(now: Milliseconds): Rejection | null {
    void now;
    if (this.#config.maxRequests > 0 && this.#active >= this.#config.maxRequests) return "max-requests";
    this.#active++;
    return null;
  }

  release(): void {
    this.#active--;
  }

  pick(now: Milliseconds, avoid: readonly Endpoint[]): Endpoint | null {
    void now;
    const all = this.#endpoints;
    for (let step = 0; step < all.length; step++) {
      const endpoint = all[++this.#cursor % all.length] as Endpoint;
      if (endpoint.weight > 0 && !avoid.includes(endpoint)) return endpoint;
    }
    return all[this.#cursor % all.length] ?? null;
  }

  started(endpoint: Endpoint): void {
    endpoint.active++;
  }

  ended(endpoint: Endpoint, outcome: Outcome, latency: Milliseconds, now: Milliseconds): void {
    void latency;
    void now;
    endpoint.active--;
    endpoint.outcomes[outcome]++;
  }

  readonly retry = {
    maxRetries: 2,
    /** Free attempts of one request, at most: so that they cannot spin. */
    maxFree: 8,
    take: (free: boolean): boolean => free || true,
    done: (free: boolean): void => void free,
    backoff: (retryNumber: number): Milliseconds =>
      this.#random() * Math.min(this.#config.backoffMax, this.#config.backoffBase * 2 ** (retryNumber - 1)),
  };

  readonly hedge = {
    delay: (): Milliseconds => Infinity,
    take: (): boolean => false,
  };

  readonly limits = {
    tryConnect: (endpoint: Endpoint): boolean => {
      const most = this.#config.maxConnections;
      if (most > 0 && endpoint.connections >= most) return false;
      endpoint.connections++;
      return true;
    },
    disconnected: (endpoint: Endpoint): void => void endpoint.connections--,
    tryPend: (): boolean => {
      if (this.#config.maxPending > 0 && this.#pending >= this.#config.maxPending) return false;
      this.#pending++;
      return true;
    },
    unpend: (): void => void this.#pending--,
  };

  describe(now: Milliseconds): UpstreamSnapshot {
    void now;
    return {
      name: this.name,
      endpoints: this.#endpoints.map((endpoint) => ({
        key: endpoint.key,
        state: endpoint.weight === 0 ? "drained" : "ok",
        why: null,
        weight: endpoint.weight,
        active: endpoint.active,
        connections: endpoint.connections,
      })),
    };
  }
}
