/**
 * The algorithm, after client-go's tools/leaderelection; pure: it is told what happened and when, and says what to do next.
 *
 * Promised: at most one candidate believes at any moment that it leads, provided that their clocks run at rates within
 * leaseDuration / renewDeadline of each other (1.5 by default). A leader believes until renewDeadline after it *sent* its
 * last renewal that was answered; another takes the lease only when it has itself seen it unchanged for leaseDuration. The
 * second span begins after the first, and is longer: so it ends after it. No clock is compared with another's: times in the
 * record are for people.
 *
 * Not promised: that a leader which believed a moment ago has stopped acting. A process can be paused between asking
 * `leads` and doing what it asked for. Against that there is the token: what is acted upon must refuse one that is lower
 * than the highest that it has seen.
 *
 * Belief begins with an answered acquisition and with nothing else. A write without an answer may have been done, may be
 * done later, or never: the record is then read again, and written over what is found there (compare-and-set lets only one
 * of both writes happen). Whoever lapsed acquires anew, under a new token, also when nobody else came in between; whoever
 * withdrew gives the lease back first.
 */
import type { Milliseconds } from "@outrigger/core";
import type { LeaseRecord, Sighting, Written } from "./lease-store.ts";
import { checkTiming, JITTER, type Timing } from "./timing.ts";

export type Action =
  /** Nothing, before that time. */
  | { readonly kind: "wait"; readonly until: Milliseconds }
  | { readonly kind: "read" }
  | {
      readonly kind: "write";
      readonly record: LeaseRecord;
      readonly over: Sighting;
      readonly acquires: boolean;
    };

export interface ElectionDeps {
  /** Uniform in [0, 1). */
  readonly random: () => number;
  /** Milliseconds since 1970: what is written for people. */
  readonly wallTime: () => Milliseconds;
  /** Where this candidate wants to be reached when it leads, HOST:PORT. Default: nowhere. */
  readonly address?: string;
}

interface Leadership {
  /** When the last answered renewal was sent. */
  renewedAt: Milliseconds;
  readonly token: bigint;
  /** As the record has it. */
  readonly acquiredAt: number;
}

export class Election {
  readonly id: string;
  readonly #timing: Timing;
  readonly #deps: ElectionDeps;
  #seen: Sighting | null = null;
  /** When #seen was first seen. */
  #seenSince: Milliseconds = 0;
  /** Somebody has deleted the record of a holder, which may still believe for that long; 0: nobody has, as far as was seen. */
  #deletedSpan: Milliseconds = 0;
  /** What stands there now is not known: it is to be read before it is written. */
  #stale = true;
  #leadership: Leadership | null = null;
  /** The request that is on its way, and when it was sent. */
  #request: { readonly action: Action; readonly sentAt: Milliseconds } | null = null;
  #nextAt: Milliseconds = -Infinity;
  /** What our acquisitions are known by in the record: the latest attempt, and the latest that led. */
  #acquiredAt = 0;
  #ledAt = 0;
  /** Over which version the latest attempt was to be written: over another it can no longer be. */
  #attemptedOver = "";
  /** Ended by us, and the lease not given back yet; nobody believes in it any more. */
  #ended: Leadership | null = null;
  #state: "campaigning" | "withdrawn" | "stopped" = "campaigning";

  /**
   * @param id of this candidate, unlike any other's
   * @throws OutriggerError `bad-timing`
   */
  constructor(id: string, timing: Timing, deps: ElectionDeps) {
    checkTiming(timing);
    this.id = id;
    this.#timing = timing;
    this.#deps = deps;
  }

  /** Whether it leads. `now`: of a clock that counts the time of a suspended machine as well. */
  leads(now: Milliseconds): boolean {
    return now < this.believesUntil;
  }

  /** When belief ends unless a renewal is answered; -Infinity: there is none. */
  get believesUntil(): Milliseconds {
    if (this.#leadership === null) return -Infinity;
    return this.#leadership.renewedAt + this.#timing.renewDeadline;
  }

  /** The fencing token; null: it does not lead. */
  token(now: Milliseconds): bigint | null {
    return this.leads(now) ? (this.#leadership as Leadership).token : null;
  }

  /** Who leads as far as can be known: itself, or whose lease was seen and has not expired since; null: nobody. */
  leader(now: Milliseconds): string | null {
    if (this.leads(now)) return this.id;
    const holder = this.record?.holder ?? "";
    return holder === "" || holder === this.id || this.#expired(now) ? null : holder;
  }

  /** Where whoever leads wants to be reached, as far as can be known; null: it has not said. */
  leaderAddress(now: Milliseconds): string | null {
    if (this.leads(now)) return this.#deps.address ?? null;
    return this.leader(now) === null ? null : this.record?.address || null;
  }

  /** The record as it was last seen; null: there was none, or none was read yet. */
  get record(): LeaseRecord | null {
    return this.#seen?.record ?? null;
  }

  /** When the lease of another will have expired, if nothing changes; -Infinity: it has none. */
  get expiresAt(): Milliseconds {
    return this.record === null || this.record.holder === "" ? -Infinity : this.#seenSince + this.#span();
  }

  /** Whether the lease is still to be given back. */
  get isGivingBack(): boolean {
    return this.#ended !== null || (this.#state !== "campaigning" && this.#request?.action.kind === "write");
  }

  /** Ends belief now; `next` then says how the lease is given back, once, and only looks from then on. */
  withdraw(): void {
    if (this.#state === "campaigning") this.#state = "withdrawn";
    this.#ended ??= this.#leadership;
    this.#leadership = null;
    this.#nextAt = -Infinity;
  }

  /** Takes part again after `withdraw`; what is to be given back is given back first. */
  campaign(): void {
    if (this.#state === "withdrawn") this.#state = "campaigning";
  }

  /** As `withdraw`, and for good: not even looking goes on. */
  stop(): void {
    this.withdraw();
    this.#state = "stopped";
  }

  /** What to do now. A read or a write is to be followed by `sent`, and by how it ended. */
  next(now: Milliseconds): Action {
    if (this.#request !== null) return { kind: "wait", until: Infinity };
    if (this.#ended !== null) return this.#giveBack(this.#ended, now);
    if (this.#state === "stopped") return { kind: "wait", until: Infinity };
    if (this.#leadership !== null && !this.leads(now)) this.#lapse();
    const mayAcquire = this.#state === "campaigning" && this.#leadership === null && !this.#stale;
    if (mayAcquire && this.#free(now)) return this.#acquire();
    if (now < this.#nextAt) return { kind: "wait", until: this.#wakeAt() };
    // A release without an answer, or an acquisition that was done after all.
    if (this.#state === "withdrawn" && !this.#stale && this.#isOurs()) return this.#release();
    if (this.#leadership === null || this.#stale) return { kind: "read" };
    return this.#renew(this.#leadership);
  }

  /** The request is about to go out. Belief is measured from here, never from its answer. */
  sent(action: Action, now: Milliseconds): void {
    this.#request = { action, sentAt: now };
  }

  /** A read was answered. */
  read(sighting: Sighting, now: Milliseconds): void {
    this.#request = null;
    this.#see(sighting, now);
    const own = this.#leadership;
    if (own !== null && !this.#holds(own.acquiredAt)) this.#lapse();
    this.#nextAt = this.#isIdle ? now + this.#lookPeriod() : now;
  }

  /** A write was done. */
  written(written: Written, now: Milliseconds): void {
    const { action, sentAt } = this.#request as { action: Action; sentAt: Milliseconds };
    this.#request = null;
    this.#see(written, now);
    if (action.kind !== "write") return;
    // What was withdrawn while its renewal was under way is given back at once.
    this.#nextAt = this.#ended === null ? sentAt + this.#timing.retryPeriod : -Infinity;
    if (action.acquires) {
      const { acquiredAt } = action.record;
      const won = { renewedAt: sentAt, token: written.token, acquiredAt };
      this.#ledAt = acquiredAt;
      if (this.#state === "campaigning") this.#leadership = won;
      // Too late: it goes back unused.
      else [this.#ended, this.#nextAt] = [won, -Infinity];
    }
    // Belief that has lapsed does not come back with a late answer.
    else if (this.leads(now)) (this.#leadership as Leadership).renewedAt = sentAt;
  }

  /** A write found something else than what it was to replace. */
  conflicted(now: Milliseconds): void {
    this.#request = null;
    this.#stale = true;
    this.#nextAt = now;
  }

  /** There was no answer, or none that says whether it was done. */
  unanswered(now: Milliseconds): void {
    this.#request = null;
    this.#stale = true;
    this.#nextAt = now + (this.#isIdle ? this.#lookPeriod() : this.#timing.retryPeriod / 2);
  }

  /** There is nothing to renew, and nothing to give back. */
  get #isIdle(): boolean {
    return this.#leadership === null && this.#ended === null;
  }

  #see(sighting: Sighting, now: Milliseconds): void {
    if (this.#seen?.version !== sighting.version) {
      const wasHeld = (this.record?.holder ?? "") !== "" && !this.#isOurs() && !this.#expired(now);
      this.#deletedSpan = sighting.record === null && wasHeld ? this.#span() : 0;
      this.#seenSince = now;
    }
    this.#seen = sighting;
    this.#stale = false;
  }

  #lapse(): void {
    this.#leadership = null;
    this.#nextAt = -Infinity;
  }

  /** Released, expired, or ours: of a leadership that lapsed and nobody ended, or of an acquisition without an answer. */
  #free(now: Milliseconds): boolean {
    const { record } = this;
    if (record === null) return this.#deletedSpan === 0 || this.#expired(now);
    return record.holder === "" || this.#expired(now) || this.#isOurs();
  }

  /** Whether the record is of this acquisition of ours; another candidate of our name is another candidate. */
  #holds(acquiredAt: number): boolean {
    const { record } = this;
    if (record === null || acquiredAt === 0) return false;
    return record.holder === this.id && record.acquiredAt === acquiredAt;
  }

  #isOurs(): boolean {
    return this.#holds(this.#acquiredAt) || this.#holds(this.#ledAt);
  }

  #expired(now: Milliseconds): boolean {
    return now - this.#seenSince >= this.#span();
  }

  /** The holder may have been configured with a longer lease than we were: the longer one counts. */
  #span(): Milliseconds {
    return Math.max(this.#timing.leaseDuration, this.record?.leaseDuration ?? this.#deletedSpan);
  }

  #wakeAt(): Milliseconds {
    if (this.#leadership !== null) return Math.min(this.#nextAt, this.believesUntil);
    const waits = this.#stale || this.#state !== "campaigning";
    return waits ? this.#nextAt : Math.min(this.#nextAt, this.#seenSince + this.#span());
  }

  #lookPeriod(): Milliseconds {
    return this.#timing.retryPeriod * (1 + (JITTER - 1) * this.#deps.random());
  }

  #acquire(): Action {
    const before = this.record;
    // Unlike any other's, also of a candidate with our name: the digits below a millisecond are drawn.
    const { version } = this.#seen as Sighting;
    const isPast = this.#attemptedOver !== version && !this.#holds(this.#acquiredAt);
    this.#attemptedOver = version;
    if (this.#acquiredAt === this.#ledAt || isPast)
      this.#acquiredAt = Math.floor(this.#deps.wallTime()) * 1_000 + Math.floor(this.#deps.random() * 1_000);
    const acquiredAt = this.#acquiredAt;
    return this.#write(
      {
        holder: this.id,
        leaseDuration: this.#timing.leaseDuration,
        acquiredAt,
        renewedAt: this.#renewedAt(),
        transitions: (before?.transitions ?? -1) + (before?.holder === this.id ? 0 : 1),
        address: this.#deps.address ?? "",
      },
      true,
    );
  }

  #renew({ acquiredAt }: Leadership): Action {
    const record = (this.#seen as Sighting).record as LeaseRecord;
    return this.#write(
      {
        ...record,
        leaseDuration: this.#timing.leaseDuration,
        acquiredAt,
        renewedAt: this.#renewedAt(),
      },
      false,
    );
  }

  /** Once, where the lease is ours for all that is known; it expires by itself otherwise. */
  #giveBack(ended: Leadership, now: Milliseconds): Action {
    if (now < this.#nextAt) return { kind: "wait", until: this.#nextAt };
    if (this.#stale) return { kind: "read" };
    this.#ended = null;
    return this.#holds(ended.acquiredAt) ? this.#release() : this.next(now);
  }

  #release(): Action {
    const record = (this.#seen as Sighting).record as LeaseRecord;
    const renewedAt = this.#renewedAt();
    // One second, as client-go writes it: the API refuses none.
    return this.#write({ ...record, holder: "", leaseDuration: 1_000, renewedAt, address: "" }, false);
  }

  /**
   * Unlike that of the record which is replaced, whatever the wall clock does: an update that changes nothing is answered by
   * some stores (a cluster's API server) and not done, so that others would go on timing the lease from before.
   */
  #renewedAt(): number {
    const wall = Math.floor(this.#deps.wallTime()) * 1_000;
    return wall === this.record?.renewedAt ? wall + 1 : wall;
  }

  #write(record: LeaseRecord, acquires: boolean): Action {
    return { kind: "write", record, over: this.#seen as Sighting, acquires };
  }
}
