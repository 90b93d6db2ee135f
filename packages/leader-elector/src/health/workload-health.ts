/**
 * Whether the workload beside us is well: what decides whether this candidate should lead. Checked as an ambassador checks
 * endpoints (upstream's active health): a TCP connect, or a GET that must answer 2xx, at localhost.
 */
import { OutriggerError, type Clock, type Logger, type Milliseconds } from "@outrigger/core";
import type { Probe } from "@outrigger/upstream";

export interface WorkloadHealthOptions {
  /** `tcp:PORT` or `http:PORT/PATH`. */
  readonly check: string;
  /** Between checks. Default 2 s. */
  readonly interval?: Milliseconds;
  /** Of one check. Default 1 s. */
  readonly timeout?: Milliseconds;
  /** Passes in a row until a sick workload is well. Default 2. */
  readonly healthyThreshold?: number;
  /** Failures in a row until a well workload is sick. Default 3. */
  readonly unhealthyThreshold?: number;
}

export interface WorkloadHealthDeps {
  readonly clock: Clock;
  readonly log: Logger;
  /** Uniform in [0, 1). */
  readonly random?: () => number;
  /** Default: upstream's. */
  readonly probe?: Probe;
}

/** @throws OutriggerError `bad-health-check` */
export function parseHealthCheck(text: string): { readonly port: number; readonly path: string | null } {
  const [, kind, digits = "", path = ""] = /^(tcp|http):(\d{1,5})(\/[\x21-\x7e]*)?$/.exec(text) ?? [];
  const port = Number(digits);
  if (port >= 1 && port <= 65_535 && (kind === "http") === (path !== ""))
    return { port, path: kind === "http" ? path : null };
  throw new OutriggerError(
    "bad-health-check",
    `${text} is no check of a workload: tcp:PORT, or http:PORT/PATH, of a port at localhost`,
  );
}

export class WorkloadHealth {
  readonly #check: { readonly port: number; readonly path: string | null };
  readonly #options: WorkloadHealthOptions;
  readonly #deps: WorkloadHealthDeps;
  readonly #listeners = new Set<(healthy: boolean) => void>();
  #checks: { stop(): Promise<void> } | null = null;
  #healthy = false;
  #reason: string | null = "not checked yet";

  /** @throws OutriggerError `bad-health-check` */
  constructor(options: WorkloadHealthOptions, deps: WorkloadHealthDeps) {
    this.#check = parseHealthCheck(options.check);
    this.#options = options;
    this.#deps = deps;
  }

  /** False before the first check. */
  get healthy(): boolean {
    return this.#healthy;
  }

  /** Why it is not well, in words; null: it is. */
  get reason(): string | null {
    return this.#reason;
  }

  /** Calls `listener` when `healthy` has changed. Returns the removal. */
  onChange(listener: (healthy: boolean) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  /** Resolves with the outcome of the first check, which counts alone; whatever that is. */
  async start(): Promise<void> {
    // Loaded by those alone who use it.
    const { ActiveHealth, createEndpoint, probeEndpoint, targetAt } = await import("@outrigger/upstream");
    const { interval = 2_000, timeout = 1_000, healthyThreshold = 2, unhealthyThreshold = 3 } = this.#options;
    const { clock, random = Math.random, probe = probeEndpoint } = this.#deps;
    const { port, path } = this.#check;
    const endpoint = createEndpoint(targetAt("localhost", port));
    const become = (): void => this.#become(endpoint.healthy, endpoint.healthReason);
    await new Promise<void>((resolve) => {
      const settings = {
        healthInterval: interval,
        healthTimeout: timeout,
        healthyThreshold,
        unhealthyThreshold,
      };
      const spec =
        path === null
          ? ({ kind: "tcp", port } as const)
          : ({ kind: "http", port, path, statuses: [[200, 299]] } as const);
      const checks = new ActiveHealth(settings, spec, {
        clock,
        random,
        probe: async (...args) => {
          try {
            return await probe(...args);
          } finally {
            // When what it says has been counted.
            setImmediate(() => {
              if (this.#checks !== null) become();
              resolve();
            });
          }
        },
        events: { changed: become },
      });
      this.#checks = checks;
      checks.setEndpoints([endpoint]);
      checks.start();
    });
  }

  /** Ends the check under way, too. What it was known to be stays. */
  async stop(): Promise<void> {
    const checks = this.#checks;
    this.#checks = null;
    await checks?.stop();
  }

  #become(healthy: boolean, reason: string | null): void {
    this.#reason = healthy ? null : reason;
    if (healthy === this.#healthy) return;
    this.#healthy = healthy;
    if (healthy) this.#deps.log.info({}, "the workload is well");
    else this.#deps.log.warn({ reason }, "the workload is sick");
    for (const listener of this.#listeners) listener(healthy);
  }
}
