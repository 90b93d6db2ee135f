import type { LeaseRecord } from "../election/lease-store.ts";

/** A lease that this candidate holds, by the usual timing. */
export const held = (holder: string, more: Partial<LeaseRecord> = {}): LeaseRecord => ({
  holder,
  leaseDuration: 15_000,
  acquiredAt: 1,
  renewedAt: 2,
  transitions: 3,
  address: "",
  ...more,
});
