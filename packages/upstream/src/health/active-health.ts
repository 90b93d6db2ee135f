/**
 * Active health: each endpoint is checked on its own timer, every `healthInterval` x (0.9 to 1.1), so that a fleet does
 * not check in step. `unhealthyThreshold` failures in a row make it unhealthy, `healthyThreshold` passes healthy again.
 *
 * An endpoint is taken for healthy until its first check, which is made at once and counts alone if it fails (as
 * HAProxy: one failure from down). So a start does not wait for checks, and a dead endpoint is found by the first one.
 */
import type { Clock, Milliseconds, Timer } from "@outrigger/core";
import type { Endpoint } from "../endpoint/endpoint.ts";
import { INCONCLUSIVE, type Probe, type ProbeResult, type ProbeSpec } from "./probe.ts";

export interface ActiveHealthSettings {
  readonly healthInterval: Milliseconds;
  readonly healthTimeout: Milliseconds;
  readonly healthyThreshold: number;
  readonly unhealthyThreshold: number;
}

export interface ActiveHealthEvents {
  /** endpoint.healthy has changed. */
  changed(endpoint: Endpoint): void;
}

/** One endpoint's checks. */
interface Watch {
  readonly endpoint: Endpoint;
  timer: Timer | null;
  /** The check under way. */
  abort: AbortController | null;
  checked: boolean;
  passesInRow: number;
  failuresInRow: number;
}

export class ActiveHealth {
  #settings: ActiveHealthSettings;
  #spec: ProbeSpec | null;
  readonly #watches = new Map<Endpoint, Watch>();
  readonly #clock: Clock;
  readonly #random: () => number;
  readonly #probe: Probe;
  readonly #events: ActiveHealthEvents;
  #endpoints: readonly Endpoint[] = [];
  #running = false;
  readonly #underWay = new Set<Promise<void>>();

  constructor(
    settings: ActiveHealthSettings,
    spec: ProbeSpec | null,
    deps: { clock: Clock; random: () => number; probe: Probe; events: ActiveHealthEvents },
  ) {
    this.#settings = settings;
    this.#spec = spec;
    this.#clock = deps.clock;
    this.#random = deps.random;
    this.#probe = deps.probe;
    this.#events = deps.events;
  }

  start(): void {
    if (this.#running) return;
    this.#running = true;
    this.#reconcile();
  }

  /** Stops all timers, ends the checks under way and waits until they have ended. */
  async stop(): Promise<void> {
    this.#running = false;
    for (const watch of this.#watches.values()) this.#end(watch);
    this.#watches.clear();
    await Promise.all(this.#underWay);
  }

  /** Thresholds and interval apply from each endpoint's next check; another kind of check starts anew. */
  configure(settings: ActiveHealthSettings, spec: ProbeSpec | null): void {
    this.#settings = settings;
    if (JSON.stringify(spec) === JSON.stringify(this.#spec)) return;
    this.#spec = spec;
    for (const watch of this.#watches.values()) this.#end(watch);
    this.#watches.clear();
    if (spec === null) for (const endpoint of this.#endpoints) this.#become(endpoint, true, null);
    this.#reconcile();
  }

  setEndpoints(endpoints: readonly Endpoint[]): void {
    this.#endpoints = endpoints;
    this.#reconcile();
  }

  #reconcile(): void {
    const wanted = new Set(this.#running && this.#spec ? this.#endpoints : []);
    for (const watch of this.#watches.values()) {
      if (wanted.has(watch.endpoint)) continue;
      this.#end(watch);
      this.#watches.delete(watch.endpoint);
    }
    for (const endpoint of wanted) {
      if (this.#watches.has(endpoint)) continue;
      const watch: Watch = {
        endpoint,
        timer: null,
        abort: null,
        checked: false,
        passesInRow: 0,
        failuresInRow: 0,
      };
      this.#watches.set(endpoint, watch);
      this.#check(watch);
    }
  }

  #check(watch: Watch): void {
    const spec = this.#spec;
    if (!spec) return;
    const abort = new AbortController();
    watch.abort = abort;
    const { healthTimeout } = this.#settings;
    const timeout = this.#clock.timer(
      healthTimeout,
      () => {
        this.#result(watch, abort, `no answer within ${healthTimeout} ms`);
        abort.abort();
      },
      { unref: true },
    );
    watch.timer = timeout;
    const check = this.#probe(watch.endpoint, spec, abort.signal).then(
      (reason) => this.#result(watch, abort, reason),
      (thrown: unknown) => this.#result(watch, abort, `the check broke: ${String(thrown)}`),
    );
    const done = check.finally(() => this.#underWay.delete(done));
    this.#underWay.add(done);
  }

  /** The first of answer and timeout counts; what comes after, or after the watch has ended, does not. */
  #result(watch: Watch, abort: AbortController, reason: ProbeResult): void {
    if (watch.abort !== abort) return;
    watch.abort = null;
    watch.timer?.clear();
    const { endpoint } = watch;
    const { healthInterval, healthyThreshold, unhealthyThreshold } = this.#settings;
    watch.timer = this.#clock.timer(healthInterval * (0.9 + 0.2 * this.#random()), () => this.#check(watch), {
      unref: true,
    });
    if (reason === INCONCLUSIVE) return;
    if (reason === null) {
      watch.failuresInRow = 0;
      watch.passesInRow++;
      if (watch.passesInRow >= healthyThreshold) this.#become(endpoint, true, null);
    } else {
      watch.passesInRow = 0;
      watch.failuresInRow++;
      if (!watch.checked || watch.failuresInRow >= unhealthyThreshold) this.#become(endpoint, false, reason);
    }
    watch.checked = true;
  }

  #become(endpoint: Endpoint, healthy: boolean, reason: string | null): void {
    endpoint.healthReason = reason;
    if (endpoint.healthy === healthy) return;
    endpoint.healthy = healthy;
    this.#events.changed(endpoint);
  }

  #end(watch: Watch): void {
    watch.timer?.clear();
    watch.timer = null;
    const { abort } = watch;
    watch.abort = null;
    abort?.abort();
  }
}
