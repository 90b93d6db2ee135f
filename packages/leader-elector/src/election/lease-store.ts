/** Where the lease stands: one record, replaced by compare-and-set. Kubernetes, Redis, a file, or memory. */
import type { Milliseconds } from "@outrigger/core";

/** The fields of coordination.k8s.io/v1 Lease, under the paper's names. */
export interface LeaseRecord {
  /** Empty: released. */
  readonly holder: string;
  readonly leaseDuration: Milliseconds;
  /** Microseconds since 1970 by the holder's wall clock, for people, and to tell one acquisition from another. */
  readonly acquiredAt: number;
  readonly renewedAt: number;
  /** How often the holder changed, as client-go counts it. */
  readonly transitions: number;
  /** Where the holder wants to be reached, HOST:PORT, for those who forward to it; empty: nowhere. */
  readonly address: string;
}

/** The record as it stood at some moment. */
export interface Sighting {
  /** null: there is no record yet. */
  readonly record: LeaseRecord | null;
  /** What the next write is compared with; differs after each write. */
  readonly version: string;
}

/** What a write left behind. */
export interface Written extends Sighting {
  /** Of an acquiring write: the fencing token, greater than that of every acquisition before. */
  readonly token: bigint;
}

export interface LeaseStore {
  /** Rejects when there is no answer: then nothing is known. */
  read(signal: AbortSignal): Promise<Sighting>;
  /**
   * Writes where `over` still stands, else resolves with null and has done nothing. When it rejects nobody knows whether it
   * was done, or will be.
   * @param acquires a new leadership begins with it: it gets a token
   */
  write(record: LeaseRecord, over: Sighting, acquires: boolean, signal: AbortSignal): Promise<Written | null>;
}
