/**
 * Whether the workload behind a gate has accepted a connection since the gate started: before that the pod is not ready.
 * Afterwards `hold` is what covers a restart, and the workload's own probes say how it is.
 */
import type { Clock, HostPort, Milliseconds, Timer } from "@outrigger/core";
import { askWorkload } from "./workload.ts";

const LOOK_EVERY: Milliseconds = 250;

export class WorkloadSeen {
  readonly #address: HostPort;
  readonly #clock: Clock;
  readonly #stopped = new AbortController();
  #timer: Timer | null = null;
  #seen = false;

  constructor(address: HostPort, clock: Clock) {
    this.#address = address;
    this.#clock = clock;
  }

  get seen(): boolean {
    return this.#seen;
  }

  /** Looks now, and until it is seen or `stop`. */
  start(): void {
    void askWorkload(this.#address, this.#stopped.signal).then((answer) => {
      this.#seen = answer === "accepts";
      if (this.#seen || this.#stopped.signal.aborted) return;
      this.#timer = this.#clock.timer(LOOK_EVERY, () => this.start(), { unref: true });
    });
  }

  stop(): void {
    this.#stopped.abort();
    this.#timer?.clear();
  }
}
