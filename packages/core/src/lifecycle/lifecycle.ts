/**
 * starting -> ready -> draining -> stopped, and what draining means to each role:
 *
 * egress  (the workload calls out): accepts on until the workload is gone, which is when none of its connections is
 *         open and that stays so for `egressQuiet`, or until `grace` ends. As a native sidecar we are told last, the
 *         workload is gone already, and the quiet spell is all that it takes.
 * ingress (the platform calls in): serves on through `settle`, while the removal of the endpoint spreads, sending clients
 *         elsewhere with their next request; then stops accepting and finishes what is in flight. Where a gate's workload
 *         refuses connections it is not waited for: a pod that ends starts none again.
 * Both end when `grace` ends, counted from the signal; what is in flight then is cut, and counted.
 */
import { OutriggerError } from "../errors.ts";
import type { Logger } from "../log/logger.ts";
import type { Clock } from "../time/clock.ts";
import type { Milliseconds } from "../units.ts";
import type { DataListener } from "./data-listener.ts";
import { workloadRefuses } from "./workload-refuses.ts";

export type LifecycleState =
  | { readonly phase: "starting" }
  | { readonly phase: "ready" }
  | {
      readonly phase: "draining";
      readonly reason: string;
      /** On the clock of the lifecycle; what is in flight then is cut. */
      readonly deadline: Milliseconds;
      /** True once an ingress listener has stopped accepting, and /readyz says no. */
      readonly refusing: boolean;
    }
  | { readonly phase: "stopped"; readonly cut: number };

export interface DrainTimes {
  /** From the signal to the end of everything. Less than terminationGracePeriodSeconds. */
  readonly grace: Milliseconds;
  readonly settle: Milliseconds;
  readonly egressQuiet: Milliseconds;
}

export interface DrainReport {
  /** Requests or connections that grace cut. */
  readonly cut: number;
  readonly took: Milliseconds;
}

/** How often the connections of a listener are counted while it waits for the workload to go. */
const LOOK_EVERY: Milliseconds = 50;

export class Lifecycle {
  #state: LifecycleState = { phase: "starting" };
  readonly #clock: Clock;
  readonly #log: Logger;

  constructor(clock: Clock, log: Logger) {
    this.#clock = clock;
    this.#log = log;
  }

  get state(): LifecycleState {
    return this.#state;
  }

  /** The pattern's listeners accept. */
  ready(): void {
    if (this.#state.phase === "starting") this.#state = { phase: "ready" };
  }

  /**
   * Drains all listeners, each as its role wants, and resolves when the last is done. Never rejects: a listener that
   * fails to drain is logged, and the others go on.
   * @param ended called for each listener that is done
   */
  async drain(
    reason: string,
    listeners: readonly DataListener[],
    times: DrainTimes,
    ended: (listener: DataListener) => void = () => {},
  ): Promise<DrainReport> {
    if (this.#state.phase === "draining" || this.#state.phase === "stopped") {
      throw new OutriggerError(
        "already-draining",
        `cannot drain: this lifecycle is ${this.#state.phase} already`,
      );
    }
    const start = this.#clock.now();
    this.#state = { phase: "draining", reason, deadline: start + times.grace, refusing: false };
    const graceEnds = new AbortController();
    const timer = this.#clock.timer(times.grace, () =>
      graceEnds.abort(new OutriggerError("grace-ended", "the grace period ended before the work did")),
    );
    const cuts = await Promise.all(
      listeners.map(async (listener) => {
        const done = new AbortController();
        const gone = this.#workloadGoneForGood(listener, done.signal);
        try {
          listener.drainBegins?.(graceEnds.signal, times.grace);
          await this.#await(listener, times, gone, graceEnds.signal);
          await listener.stopAccepting(graceEnds.signal);
          return await listener.drain(graceEnds.signal);
        } catch (thrown) {
          this.#log.error({ error: thrown, listener: listener.name }, "a listener failed to drain");
          return 0;
        } finally {
          done.abort();
          ended(listener);
        }
      }),
    );
    timer.clear();
    const cut = cuts.reduce((sum, part) => sum + part, 0);
    this.#state = { phase: "stopped", cut };
    return { cut, took: this.#clock.now() - start };
  }

  /** Aborted when the workload behind a gate refuses connections: whoever waits at the gate has been told then. */
  #workloadGoneForGood({ gate, name }: DataListener, done: AbortSignal): AbortSignal {
    const gone = new AbortController();
    if (gate)
      void workloadRefuses(gate, this.#clock, done).then((refuses) => {
        if (!refuses) return;
        this.#log.info({ listener: name }, "the workload has ended");
        gate.workloadGone();
        gone.abort();
      });
    return gone.signal;
  }

  async #await(
    listener: DataListener,
    times: DrainTimes,
    gone: AbortSignal,
    graceEnds: AbortSignal,
  ): Promise<void> {
    try {
      if (listener.role === "egress") await this.#workloadGone(listener, times.egressQuiet, graceEnds);
      else {
        listener.gate?.turnClientsAway(true);
        await this.#clock.sleep(times.settle, AbortSignal.any([gone, graceEnds])).catch((thrown: unknown) => {
          if (!gone.aborted) throw thrown;
        });
        if (this.#state.phase === "draining") this.#state = { ...this.#state, refusing: true };
      }
    } catch (thrown) {
      if (!graceEnds.aborted) throw thrown;
    }
  }

  async #workloadGone(listener: DataListener, quiet: Milliseconds, graceEnds: AbortSignal): Promise<void> {
    let quietSince: Milliseconds | null = null;
    let accepted = listener.accepted?.();
    for (;;) {
      const now = this.#clock.now();
      const acceptedNow = listener.accepted?.();
      if (listener.connections() > 0) quietSince = null;
      else if (acceptedNow !== accepted) quietSince = now;
      else quietSince ??= now;
      accepted = acceptedNow;
      if (quietSince !== null && now - quietSince >= quiet) return;
      const left = quietSince === null ? LOOK_EVERY : Math.min(LOOK_EVERY, quietSince + quiet - now);
      await this.#clock.sleep(Math.max(1, left), graceEnds);
    }
  }
}
