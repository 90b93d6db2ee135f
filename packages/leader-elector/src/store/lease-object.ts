/**
 * A lease in the fields of a Lease object (coordination.k8s.io/v1), each as client-go's LeaseLock reads and writes it: released
 * is holderIdentity "" with leaseDurationSeconds 1; a field that is missing counts as empty or 0; a Lease without any spec,
 * created beforehand, is free.
 *
 * An API server takes an update that changes nothing for done, and does nothing: nobody else would see it, and time the lease
 * from before. client-go does not see fractions of a second. So renewTime rises with each write of the same holder, by a second
 * at least, also when its clock was set back, or when an acquisition without an answer is written again.
 */
import type { Lease } from "@outrigger/core/kubernetes";
import type { LeaseRecord } from "../election/lease-store.ts";
import { formatMicroTime, parseMicroTime } from "./micro-time.ts";

/**
 * `HOLDER HOST:PORT`: where that holder wants to be reached. It counts for that holder alone: a client-go candidate that takes
 * over leaves it as it stands.
 */
export const ADDRESS_ANNOTATION = "outrigger.dev/leader-address";

/** What the Lease says. */
export function recordOf({ metadata, spec }: Lease): LeaseRecord {
  const holder = spec?.holderIdentity ?? "";
  return {
    holder,
    leaseDuration: (spec?.leaseDurationSeconds ?? 0) * 1_000,
    acquiredAt: parseMicroTime(spec?.acquireTime),
    renewedAt: parseMicroTime(spec?.renewTime),
    transitions: spec?.leaseTransitions ?? 0,
    address: addressOf(holder, metadata.annotations?.[ADDRESS_ANNOTATION] ?? ""),
  };
}

function addressOf(holder: string, annotation: string): string {
  const gap = annotation.lastIndexOf(" ");
  return holder !== "" && gap >= 0 && annotation.slice(0, gap) === holder ? annotation.slice(gap + 1) : "";
}

/** The Lease with that record in it. */
export function filled(standing: Lease, record: LeaseRecord): Lease {
  const { holder, address, acquiredAt, transitions } = record;
  const { [ADDRESS_ANNOTATION]: _, ...annotations } = standing.metadata.annotations ?? {};
  if (holder !== "" && address !== "") annotations[ADDRESS_ANNOTATION] = `${holder} ${address}`;
  const before = standing.spec;
  const renewedAt =
    before?.holderIdentity === holder ? later(before.renewTime, record.renewedAt) : record.renewedAt;
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

/**
 * A later second than the one that stands there, not only another one: client-go looks now and then, and takes what it finds as
 * it was for never renewed. With a retryPeriod below a second these times run ahead of the clock; they are for people.
 */
function later(before: string | null | undefined, renewedAt: number): number {
  const stands = parseMicroTime(before);
  return Math.floor(renewedAt / 1_000_000) > Math.floor(stands / 1_000_000) ? renewedAt : stands + 1_000_000;
}
