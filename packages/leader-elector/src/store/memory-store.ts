/** A lease in memory, for candidates of one process: tests, and trying things out. */
import type { LeaseRecord, LeaseStore, Sighting, Written } from "../election/lease-store.ts";

export class MemoryStore implements LeaseStore {
  #sighting: Sighting = { record: null, version: "0" };
  #revision = 0;

  async read(signal: AbortSignal): Promise<Sighting> {
    signal.throwIfAborted();
    return this.#sighting;
  }

  async write(
    record: LeaseRecord,
    over: Sighting,
    _acquires: boolean,
    signal: AbortSignal,
  ): Promise<Written | null> {
    signal.throwIfAborted();
    if (over.version !== this.#sighting.version) return null;
    this.#sighting = { record, version: String(++this.#revision) };
    return { ...this.#sighting, token: BigInt(this.#revision) };
  }
}
