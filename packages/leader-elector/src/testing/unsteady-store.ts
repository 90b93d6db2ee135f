/** A store that a test slows down and cuts off. */
import type { Clock } from "@outrigger/core";
import type { LeaseRecord, LeaseStore, Sighting, Written } from "../election/lease-store.ts";

export class UnsteadyStore implements LeaseStore {
  readonly #store: LeaseStore;
  readonly #clock: Clock;
  delay = 0;
  cut = false;
  writes = 0;
  reads = 0;

  constructor(store: LeaseStore, clock: Clock) {
    this.#store = store;
    this.#clock = clock;
  }

  async read(signal: AbortSignal): Promise<Sighting> {
    this.reads++;
    await this.#way(signal);
    return this.#store.read(signal);
  }

  async write(
    record: LeaseRecord,
    over: Sighting,
    acquires: boolean,
    signal: AbortSignal,
  ): Promise<Written | null> {
    this.writes++;
    await this.#way(signal);
    return this.#store.write(record, over, acquires, signal);
  }

  async #way(signal: AbortSignal): Promise<void> {
    if (this.cut) throw new Error("connection refused");
    if (this.delay > 0) await this.#clock.sleep(this.delay, signal);
  }
}
