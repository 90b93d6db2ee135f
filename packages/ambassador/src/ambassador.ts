/** The ambassador: a set of routes that is started, drained, and swapped for another while requests pass. */
import {
  createMetrics,
  OutriggerError,
  silentLogger,
  systemClock,
  type ControlRoute,
  type HealthCheck,
  type Metrics,
  type Pattern,
  type PatternDeps,
} from "@outrigger/core";
import { parseAmbassadorConfig, routeName, type AmbassadorConfig, type AmbassadorInput } from "./config.ts";
import { HttpRoute, type PreparedSwap } from "./route/http-route.ts";

/** A route that a reload dropped gets this long to finish what it has in flight, in milliseconds. */
const DROPPED_ROUTE_GRACE = 30_000;

export class Ambassador implements Pattern<AmbassadorConfig> {
  readonly metrics: Metrics;
  readonly #deps: PatternDeps;
  #routes: HttpRoute[];
  /** Routes of former configs, finishing what they have. */
  readonly #dropped = new Map<HttpRoute, AbortController>();
  #state: "new" | "started" | "stopped" = "new";
  #starting: Promise<void> = Promise.resolve();

  constructor(config: AmbassadorConfig, deps: PatternDeps) {
    this.#deps = deps;
    this.metrics = deps.metrics;
    this.#routes = config.routes.map((route) => new HttpRoute(route, deps));
  }

  /** In the order of the config. */
  get listeners(): readonly HttpRoute[] {
    return this.#routes;
  }

  get checks(): readonly HealthCheck[] {
    const listening = (): { ok: boolean; detail: string } => {
      const count = this.#routes.filter((route) => route.addresses.length > 0).length;
      return {
        ok: count === this.#routes.length,
        detail: `${count} of ${this.#routes.length} routes listen`,
      };
    };
    const workloads = (): { ok: boolean; detail?: string } => {
      const awaited = this.#routes.filter((route) => route.awaitsWorkload).map(({ name }) => name);
      if (awaited.length === 0) return { ok: true };
      return {
        ok: false,
        detail: `the workload behind ${awaited.join(", ")} has not accepted a connection yet`,
      };
    };
    return [
      { name: "routes", kind: "startup", check: listening },
      { name: "workload", kind: "ready", check: workloads },
    ];
  }

  get controlRoutes(): readonly ControlRoute[] {
    return [
      {
        method: "GET",
        path: "/explain",
        summary: "each route, its endpoints with their state and why, what is in flight",
        handle: () => ({ json: { routes: this.#routes.map((route) => route.describe()) } }),
      },
    ];
  }

  /** @throws OutriggerError `cannot-listen`, `bad-tls`, `stopped` when stop() came first; no port is left open then */
  async start(): Promise<void> {
    if (this.#state !== "new")
      throw new OutriggerError("already-started", "an ambassador starts once; create another");
    this.#state = "started";
    this.#starting = startAll(this.#routes);
    await this.#starting;
  }

  async stop(): Promise<void> {
    this.#state = "stopped";
    for (const hurry of this.#dropped.values()) hurry.abort();
    await Promise.all([...this.#routes, ...this.#dropped.keys()].map((route) => route.stop()));
  }

  /**
   * Routes of the same name and address take the new config in place: open connections, health and ejections stay.
   * New ones are opened first; dropped ones finish what they have. Requests in flight end under their old settings.
   * A start under way is waited for.
   * @throws OutriggerError `not-started`: not while it is new or stopped; and whatever makes a new route impossible; the old config then serves on, untouched
   */
  async reload(config: AmbassadorConfig): Promise<void> {
    await this.#starting;
    this.#refuseUnlessStarted();
    const kept = new Map(this.#routes.map((route) => [route.name, route]));
    const swaps: PreparedSwap[] = [];
    const fresh: HttpRoute[] = [];
    const next: HttpRoute[] = [];
    try {
      for (const wanted of config.routes) {
        const old = kept.get(routeName(wanted));
        if (old?.canBecome(wanted)) {
          swaps.push(await old.prepare(wanted));
          next.push(old);
        } else {
          const route = new HttpRoute(wanted, this.#deps);
          fresh.push(route);
          next.push(route);
        }
      }
      await startAll(fresh);
      // Stopped meanwhile: nobody would close what was opened now.
      this.#refuseUnlessStarted();
    } catch (error) {
      for (const swap of swaps) swap.discard();
      await Promise.all(fresh.map((route) => route.stop()));
      throw error;
    }
    for (const swap of swaps) swap.commit();
    const dropped = this.#routes.filter((route) => !next.includes(route));
    this.#routes = next;
    for (const route of dropped) this.#retire(route);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  #refuseUnlessStarted(): void {
    if (this.#state !== "started")
      throw new OutriggerError("not-started", `cannot reload: this ambassador is ${this.#state}`);
  }

  #retire(route: HttpRoute): void {
    const hurry = new AbortController();
    const limit = this.#deps.clock.timer(DROPPED_ROUTE_GRACE, () => hurry.abort(), { unref: true });
    this.#dropped.set(route, hurry);
    void route
      .stopAccepting(hurry.signal)
      .then(() => route.drain(hurry.signal))
      .then((cut) =>
        this.#deps.log.info({ route: route.name, cut }, "a route that is no longer configured has closed"),
      )
      .finally(() => {
        limit.clear();
        this.#dropped.delete(route);
      });
  }
}

/**
 * An ambassador as a library: nothing is global, two of them live in one process.
 * @param config routes as objects or as one line each, `8001=http://catalog:8080?retries=2`
 * @throws OutriggerError `bad-config`, `bad-route`
 */
export function createAmbassador(config: AmbassadorInput, deps: Partial<PatternDeps> = {}): Ambassador {
  return new Ambassador(parseAmbassadorConfig(config), {
    clock: deps.clock ?? systemClock,
    log: deps.log ?? silentLogger,
    metrics: deps.metrics ?? createMetrics(),
  });
}

/** All or none. */
async function startAll(routes: readonly HttpRoute[]): Promise<void> {
  const started = await Promise.allSettled(routes.map((route) => route.start()));
  const failure = started.find((result) => result.status === "rejected");
  if (!failure) return;
  await Promise.all(routes.map((route) => route.stop()));
  throw failure.reason;
}
