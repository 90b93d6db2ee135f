/** The gate of an ingress route: its listener, seen from who drains it, and the workload behind it. */
import type { Gate, HostPort } from "@outrigger/core";
import type { Listener } from "@outrigger/proxy";
import { askWorkload } from "./workload.ts";

export class RouteGate implements Gate {
  readonly #listener: Listener;
  readonly #workload: () => HostPort | null;

  /** @param workload null: there are several, or none that stands still */
  constructor(listener: Listener, workload: () => HostPort | null) {
    this.#listener = listener;
    this.#workload = workload;
  }

  turnClientsAway(away: boolean): void {
    this.#listener.turnClientsAway(away);
  }

  withhold(): void {
    this.#listener.closeIdle();
    this.#listener.pool.withhold();
  }

  letGo(): void {
    this.#listener.pool.letGo();
  }

  busy(): number {
    return this.#listener.inFlight() - this.#listener.pool.waiting;
  }

  async workloadAccepts(): Promise<boolean> {
    const workload = this.#workload();
    return workload === null || (await askWorkload(workload)) !== "refuses";
  }

  workloadAway(): void {
    this.#listener.pool.workloadRefuses("it has been told to end");
  }

  workloadGone(): void {
    this.#listener.pool.workloadGone();
  }
}
