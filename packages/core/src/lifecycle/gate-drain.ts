/**
 * GET /drain, which the kubelet calls as the workload's preStop before it stops the workload: answered when the workload
 * may end without losing a request.
 *
 * 1. settle: requests go on to the workload, while the removal of the endpoint spreads; answers send clients elsewhere.
 * 2. What still comes waits at the gate; what the workload has got is finished. Then, or when `grace` is over: the answer.
 * 3. The workload is about to get its signal: what comes waits on, until the workload is seen to refuse connections (it
 *    restarts, and the gate holds, as ever), until our own SIGTERM (the pod ends), or for CANCEL_AFTER. After that nobody
 *    meant it, and all is as before: a stranger who asks costs clients their idle connections, and no request.
 */
import type { Logger } from "../log/logger.ts";
import type { Metrics } from "../metrics/metrics.ts";
import type { Clock } from "../time/clock.ts";
import { formatDuration, type Milliseconds } from "../units.ts";
import type { DataListener } from "./data-listener.ts";
import type { Gate } from "./gate.ts";
import type { DrainTimes } from "./lifecycle.ts";
import { workloadRefuses } from "./workload-refuses.ts";

/** Half of what requests are held by default, so that a drain which nobody meant costs none. */
const CANCEL_AFTER: Milliseconds = 5_000;
const LOOK_EVERY: Milliseconds = 50;

export interface DrainAnswer {
  /** False: `grace` ended before the requests did. */
  readonly drained: boolean;
  /** For the kubelet's event, and the person who reads it. */
  readonly detail: string;
}

export interface GateDrainParts {
  readonly clock: Clock;
  readonly log: Logger;
  readonly metrics: Metrics;
  /** The listeners of now; those without a gate are left alone. */
  listeners(): readonly DataListener[];
  times(): Pick<DrainTimes, "grace" | "settle">;
}

export class GateDrain {
  readonly #parts: GateDrainParts;
  #running: Promise<DrainAnswer> | null = null;
  #began: Milliseconds | null = null;
  /** Ends the wait for what follows an answer: somebody has asked again. */
  #askedAgain = new AbortController();
  /** Aborted by our own SIGTERM: from then on the lifecycle drains the listeners. */
  readonly #ending = new AbortController();
  /** Those with which the lifecycle is not done yet, from our SIGTERM on. */
  #toEnd: Set<Gate> = new Set();
  readonly #allEnded: Promise<void>;
  #tellAllEnded: () => void = () => {};

  constructor(parts: GateDrainParts) {
    this.#parts = parts;
    this.#allEnded = new Promise((resolve) => (this.#tellAllEnded = resolve));
  }

  /** Whether there is anything to drain: without a gate there is no /drain. */
  get hasGate(): boolean {
    return this.#gates().length > 0;
  }

  /**
   * Several who ask (each container of a pod has a preStop) share one drain. Who asks after its answer gets another, with a
   * settle of its own: the first may have been a stranger's. Never rejects.
   */
  request(): Promise<DrainAnswer> {
    this.#running ??= this.#run().finally(() => (this.#running = null));
    return this.#running;
  }

  /** Our own SIGTERM has come. Returns how much of settle has passed already. */
  takeOver(): Milliseconds {
    this.#ending.abort();
    this.#toEnd = new Set(this.#gates());
    if (this.#toEnd.size === 0) this.#tellAllEnded();
    // Whom the lifecycle waits for must not wait for us.
    for (const gate of this.#toEnd) gate.letGo();
    return this.#began === null ? 0 : this.#parts.clock.now() - this.#began;
  }

  /** The lifecycle is done with this listener. */
  listenerEnded({ gate }: DataListener): void {
    if (gate && this.#toEnd.delete(gate) && this.#toEnd.size === 0) this.#tellAllEnded();
  }

  /** Resolves when whoever asked has been answered, and the answer is written. */
  async answered(): Promise<void> {
    await this.#running;
    await new Promise((resolve) => setImmediate(resolve));
  }

  #gates(): Gate[] {
    return this.#parts.listeners().flatMap(({ gate }) => (gate ? [gate] : []));
  }

  async #run(): Promise<DrainAnswer> {
    const { clock, log } = this.#parts;
    const { grace, settle } = this.#parts.times();
    const began = (this.#began = clock.now());
    this.#askedAgain.abort();
    const gates = this.#gates();
    const busy = (): number => gates.reduce((sum, gate) => sum + gate.busy(), 0);
    log.info({ busy: busy(), settle: formatDuration(settle) }, "drain asked for");
    for (const gate of gates) gate.turnClientsAway(true);
    await this.#sleep(Math.min(settle, grace));
    if (!this.#ending.signal.aborted) for (const gate of gates) gate.withhold();
    while (!this.#ending.signal.aborted && busy() > 0 && clock.now() - began < grace)
      await this.#sleep(LOOK_EVERY);
    if (this.#ending.signal.aborted) await this.#allEnded;
    else {
      // The longest that one may wait has perhaps let them go, while the workload finished what it had.
      for (const gate of gates) gate.withhold();
      void this.#awaitEnd(gates);
    }
    return this.#conclude(busy(), clock.now() - began);
  }

  #conclude(left: number, span: Milliseconds): DrainAnswer {
    const { log } = this.#parts;
    const took = formatDuration(Math.round(span));
    if (left === 0) {
      this.#count("drained");
      log.info({ took }, "drained: the workload may end");
      return { drained: true, detail: `drained in ${took}: the workload has no request in flight` };
    }
    this.#count("grace-ended");
    log.warn({ took, busy: left }, "grace ended before the workload's requests did");
    const requests = `${left} request${left === 1 ? "" : "s"}`;
    return { drained: false, detail: `the workload still has ${requests} in flight after ${took} (grace)` };
  }

  /** The workload was told to end, if the drain was meant. */
  async #awaitEnd(gates: readonly Gate[]): Promise<void> {
    const { clock, log } = this.#parts;
    const over = new AbortController();
    const again = (this.#askedAgain = new AbortController());
    const interrupted = AbortSignal.any([this.#ending.signal, again.signal]);
    const limit = clock.timer(CANCEL_AFTER, () => over.abort(), { unref: true });
    const signal = AbortSignal.any([over.signal, interrupted]);
    let cancelled = false;
    await Promise.all(
      gates.map(async (gate) => {
        const refuses = await workloadRefuses(gate, clock, signal);
        // Asked again: requests go on to the workload through the settle that begins now.
        if (again.signal.aborted && !this.#ending.signal.aborted) gate.letGo();
        if (interrupted.aborted) return;
        gate.turnClientsAway(false);
        if (refuses) return gate.workloadAway();
        cancelled = true;
        gate.letGo();
      }),
    );
    limit.clear();
    if (interrupted.aborted) return;
    this.#began = null;
    if (!cancelled) return;
    this.#count("cancelled");
    log.warn(
      { after: formatDuration(CANCEL_AFTER) },
      "drain cancelled: no SIGTERM followed, and the workload still accepts connections",
    );
  }

  async #sleep(span: Milliseconds): Promise<void> {
    await this.#parts.clock.sleep(span, this.#ending.signal).catch(() => {});
  }

  #count(outcome: "drained" | "grace-ended" | "cancelled"): void {
    this.#parts.metrics
      .counter("outrigger_drains_total", "Drains asked for with /drain, by how they went on", ["outcome"])
      .with({ outcome })
      .inc();
  }
}
