/**
 * A lease as a Lease object of an API server (lease-object.ts), for candidates of both kinds: ours and client-go's.
 *
 * Compare-and-set is PUT with the resourceVersion and the uid that were read: the API server refuses it (409) after any other
 * write, and when the object is another by now. All other fields, labels and annotations go back as they came.
 *
 * The token is the resourceVersion that the acquiring write got. It is the revision of the whole store (etcd), so that it
 * rises with each write of any object: also when the Lease was deleted in between, or acquired again by the same candidate. It
 * rests on that: a restore of etcd from a backup sets it back, and so does a move to another cluster. A resourceVersion that is
 * no number (of some aggregated API servers) is refused.
 */
import { OutriggerError } from "@outrigger/core";
import { LEASES, type KubernetesClient, type Lease } from "@outrigger/core/kubernetes";
import type { LeaseRecord, LeaseStore, Sighting, Written } from "../election/lease-store.ts";
import { filled, recordOf } from "./lease-object.ts";

export interface KubernetesStoreOptions {
  readonly client: KubernetesClient;
  readonly namespace: string;
  /** Of the Lease. */
  readonly name: string;
}

/** What an update replaces, by what was given to the candidate for it. */
const leases = new WeakMap<Sighting, Lease>();

export class KubernetesStore implements LeaseStore {
  readonly #options: KubernetesStoreOptions;

  constructor(options: KubernetesStoreOptions) {
    this.#options = options;
  }

  /** @throws OutriggerError `kubernetes-...`, `bad-resource-version` */
  async read(signal: AbortSignal): Promise<Sighting> {
    const { client, namespace, name } = this.#options;
    signal.throwIfAborted();
    try {
      return sight(await client.get(LEASES, namespace, name, signal));
    } catch (thrown) {
      if (OutriggerError.from(thrown).code === "kubernetes-not-found") return { record: null, version: "0" };
      throw thrown;
    }
  }

  /** @throws OutriggerError `kubernetes-...`, `bad-resource-version`, `lease-unclear` */
  async write(
    record: LeaseRecord,
    over: Sighting,
    _acquires: boolean,
    signal: AbortSignal,
  ): Promise<Written | null> {
    signal.throwIfAborted();
    const lease =
      over.record === null ? await this.#create(record, signal) : await this.#update(record, over, signal);
    if (lease === null) return null;
    const sighting = sight(lease);
    if (sighting.version === over.version)
      throw new OutriggerError(
        "lease-unclear",
        `the API server took the update of Lease ${this.#options.namespace}/${this.#options.name}, but its resourceVersion is as before`,
      );
    const written = { ...sighting, token: BigInt(sighting.version) };
    leases.set(written, lease);
    return written;
  }

  async #create(record: LeaseRecord, signal: AbortSignal): Promise<Lease | null> {
    const { client, namespace, name } = this.#options;
    try {
      return await client.create(LEASES, namespace, filled({ metadata: { name } }, record), signal);
    } catch (thrown) {
      const error = OutriggerError.from(thrown);
      if (error.code === "kubernetes-already-exists") return null;
      if (error.code !== "kubernetes-forbidden") throw thrown;
      throw new OutriggerError(
        error.code,
        `${error.message}; or create an empty Lease ${name} beforehand, since this right cannot be limited to one name`,
        { cause: thrown },
      );
    }
  }

  async #update(record: LeaseRecord, over: Sighting, signal: AbortSignal): Promise<Lease | null> {
    const { client, namespace, name } = this.#options;
    const standing = leases.get(over);
    if (standing === undefined)
      throw new OutriggerError(
        "lease-unclear",
        `Lease ${namespace}/${name} is to be read before it is written`,
      );
    try {
      return await client.update(LEASES, namespace, filled(standing, record), signal);
    } catch (thrown) {
      const { code } = OutriggerError.from(thrown);
      if (code === "kubernetes-conflict" || code === "kubernetes-not-found") return null;
      throw thrown;
    }
  }
}

function sight(lease: Lease): Sighting {
  const { metadata } = lease;
  const version = metadata.resourceVersion ?? "";
  if (!/^[1-9]\d{0,30}$/.test(version))
    throw new OutriggerError(
      "bad-resource-version",
      `the resourceVersion ${JSON.stringify(version)} of Lease ${metadata.name} is no positive number: no fencing token can be made of it, so keep the Lease in the cluster's own API server`,
    );
  const sighting = { record: recordOf(lease), version };
  leases.set(sighting, lease);
  return sighting;
}
