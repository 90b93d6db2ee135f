/**
 * A duty is what happens because of leadership: begun when it was acquired, ended before the lease is given back. A child
 * that runs, a port that is open, an EndpointSlice that names us, a webhook.
 *
 * The duties of a term begin one after the other, each when the one before is in effect, and end in the opposite order: the
 * hook that mounts a disk, the process that uses it, the port through which requests come. None can use up the time of those
 * that end after it. When the lease is lost they end all at once. Nothing of a next term begins before the last `end` of the
 * former has resolved. The elector goes on renewing while duties end, unless the lease is lost already.
 */
import type { Milliseconds } from "@outrigger/core";

/** One acquisition, from its first belief to its end. */
export interface Term {
  readonly election: string;
  /** Of this candidate. */
  readonly id: string;
  /** The fencing token: greater than that of every term before, whoever led it. */
  readonly token: bigint;
  /** Milliseconds since 1970, by this machine's clock. */
  readonly acquiredAt: Milliseconds;
  /** Whether it is led now, computed at the call. False from the moment in which ending begins. */
  readonly isLeading: boolean;
}

/**
 * Why a term ends. `lost`: belief is over, another may lead within leaseDuration - renewDeadline, so be quick; at all others
 * the lease is still held, until the duties have ended.
 */
export type EndReason = "lost" | "resigned" | "sick" | "failed" | "stopped";

export interface Duty {
  /** For logs and metrics: `child`, `webhook`, `leader-slice`. */
  readonly name: string;
  /** Once, before there is any candidacy. Rejecting keeps the elector from starting. */
  start?(): Promise<void>;
  /**
   * Resolves when it is in effect. Rejecting ends the term (`failed`), and another candidate gets its turn.
   * @param signal aborts when the term ends meanwhile; `end` is called after it has settled
   */
  begin(term: Term, signal: AbortSignal): Promise<void>;
  /**
   * Resolves when nothing happens any more because of this term. Never rejects for good: what could not be ended in time is
   * cut when `hurry` aborts. Called once for each `begin`, also for one that rejected.
   * @param hurry aborts when the time is up
   */
  end(term: Term, why: EndReason, hurry: AbortSignal): Promise<void>;
  /** When the leader was seen to change. `address`: where it wants to be reached, HOST:PORT; null: it has said none. */
  follow?(leader: { readonly id: string; readonly address: string | null } | null): void;
  /** Once, at the very end: closes at once what is still open. */
  stop?(): Promise<void>;
}
