/** One Lease object of an API server, as far as the simulation needs one: its fields, and a resourceVersion with each write. */
import type { Lease } from "@outrigger/core/kubernetes";

export class LeaseServer {
  #lease: Lease | null = null;
  #revision = 0;

  /** @param spec of a Lease that somebody made beforehand; undefined: there is none */
  constructor(spec?: NonNullable<Lease["spec"]> | null) {
    if (spec !== undefined) this.#put({ metadata: { name: "lease" }, ...(spec !== null && { spec }) });
  }

  /** null: there is none (404). */
  get(): Lease | null {
    return this.#lease;
  }

  /** null: there is one already (409). */
  create(lease: Lease): Lease | null {
    return this.#lease === null ? this.#put(lease) : null;
  }

  /** null: it is another by now (409), or gone (404). An update that changes nothing is answered, and nobody sees it. */
  update(lease: Lease): Lease | null {
    const current = this.#lease;
    if (current === null || lease.metadata.resourceVersion !== current.metadata.resourceVersion) return null;
    return JSON.stringify(lease.spec) === JSON.stringify(current.spec) ? current : this.#put(lease);
  }

  #put(lease: Lease): Lease {
    const resourceVersion = String(++this.#revision);
    this.#lease = { ...lease, metadata: { ...lease.metadata, resourceVersion } };
    return this.#lease;
  }
}
