/**
 * A lease as a Lease object (coordination.k8s.io/v1), field by field as client-go's LeaseLock reads and writes it, so that
 * candidates of both kinds contend for one: released is holderIdentity "" with leaseDurationSeconds 1; a field that is missing
 * counts as empty or 0; a Lease without any spec, created beforehand, is free.
 *
 * Compare-and-set is PUT with the resourceVersion and the uid that were read: the API server refuses it (409) after any other
 * write, and when the object is another by now. All other fields, labels and annotations go back as they came.
 *
 * The token is the resourceVersion that the acquiring write got. It is the revision of the whole store (etcd), so that it
 * rises with each write of any object: also when the Lease was deleted in between, or acquired again by the same candidate. It
 * rests on that: a restore of etcd from a backup sets it back, and so does a move to another cluster. A resourceVersion that is
 * no number (of some aggregated API servers) is refused.
 *
 * An API server takes an update that changes nothing for done, and does nothing: nobody else would see it, and time the lease
 * from before. So each write differs from what it replaces, by a second at least, which is what client-go looks at.
 */
import { OutriggerError } from "@outrigger/core";
import { LEASES, type KubernetesClient, type Lease } from "@outrigger/core/kubernetes";
import type { LeaseRecord, LeaseStore, Sighting, Written } from "../election/lease-store.ts";
import { formatMicroTime, parseMicroTime } from "./micro-time.ts";

/**
 * `HOLDER HOST:PORT`: where that holder wants to be reached. It counts for that holder alone: a client-go candidate that takes
 * over leaves it as it stands.
 */
export const ADDRESS_ANNOTATION = "outrigger.dev/leader-address";

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
  const { metadata, spec } = lease;
  const version = metadata.resourceVersion ?? "";
  if (!/^[1-9]\d{0,30}$/.test(version))
    throw new OutriggerError(
      "bad-resource-version",
      `the resourceVersion ${JSON.stringify(version)} of Lease ${metadata.name} is no positive number: no fencing token can be made of it, so keep the Lease in the cluster's own API server`,
    );
  const holder = spec?.holderIdentity ?? "";
  const record: LeaseRecord = {
    holder,
    leaseDuration: (spec?.leaseDurationSeconds ?? 0) * 1_000,
    acquiredAt: parseMicroTime(spec?.acquireTime),
    renewedAt: parseMicroTime(spec?.renewTime),
    transitions: spec?.leaseTransitions ?? 0,
    address: addressOf(holder, metadata.annotations?.[ADDRESS_ANNOTATION] ?? ""),
  };
  const sighting = { record, version };
  leases.set(sighting, lease);
  return sighting;
}

function addressOf(holder: string, annotation: string): string {
  const gap = annotation.lastIndexOf(" ");
  return holder !== "" && gap >= 0 && annotation.slice(0, gap) === holder ? annotation.slice(gap + 1) : "";
}

/** The Lease with that record in it. */
function filled(standing: Lease, record: LeaseRecord): Lease {
  const { holder, address, acquiredAt, transitions } = record;
  const { [ADDRESS_ANNOTATION]: _, ...annotations } = standing.metadata.annotations ?? {};
  if (holder !== "" && address !== "") annotations[ADDRESS_ANNOTATION] = `${holder} ${address}`;
  const before = standing.spec;
  const renewedAt = looksTheSame(before, record)
    ? parseMicroTime(before?.renewTime) + 1_000_000
    : record.renewedAt;
  return {
    ...standing,
    metadata: { ...standing.metadata, annotations },
    spec: {
      ...before,
      holderIdentity: holder,
      leaseDurationSeconds: Math.max(1, Math.ceil(record.leaseDuration / 1_000)),
      acquireTime: formatMicroTime(acquiredAt),
      renewTime: formatMicroTime(renewedAt),
      leaseTransitions: transitions,
    },
  };
}

/** To the second, which is how client-go compares. */
function looksTheSame(before: Lease["spec"], { holder, acquiredAt, renewedAt }: LeaseRecord): boolean {
  const seconds = (micros: number): number => Math.floor(micros / 1_000_000);
  return (
    before?.holderIdentity === holder &&
    seconds(parseMicroTime(before.acquireTime)) === seconds(acquiredAt) &&
    seconds(parseMicroTime(before.renewTime)) === seconds(renewedAt)
  );
}
