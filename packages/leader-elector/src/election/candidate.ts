/** One candidate: carries the algorithm's requests to the store, in time, and tells what changes. */
import type { Clock, Logger, Milliseconds, Timer } from "@outrigger/core";
import { Election, type Action } from "./election.ts";
import type { LeaseRecord, LeaseStore, Sighting, Written } from "./lease-store.ts";
import type { Timing } from "./timing.ts";

export interface CandidateOptions {
  /** Unlike any other candidate's. */
  readonly id: string;
  readonly timing: Timing;
  readonly store: LeaseStore;
  /** One that counts the time of a suspended machine as well: core's createBootClock. */
  readonly clock: Clock;
  readonly log: Logger;
  /** Uniform in [0, 1). */
  readonly random?: () => number;
  /** Where it wants to be reached when it leads, HOST:PORT. Default: nowhere. */
  readonly address?: string;
  /** Called at each answer of the store, and with null at each request that had none, for metrics. */
  readonly onRequest?: (kind: "read" | "write", took: Milliseconds | null) => void;
}

/** As it was seen at one moment; belief may have ended since. */
export interface Standing {
  readonly isLeader: boolean;
  /** The fencing token; null: it does not lead. */
  readonly token: bigint | null;
  /** Who leads as far as is known; null: nobody. */
  readonly leader: string | null;
  /** Where the leader wants to be reached, HOST:PORT; null: there is none, or it has not said. */
  readonly leaderAddress: string | null;
}

const NOBODY: Standing = { isLeader: false, token: null, leader: null, leaderAddress: null };

export class Candidate {
  readonly id: string;
  readonly #election: Election;
  readonly #options: CandidateOptions;
  /** A request takes so long at most, so that two fit into the time in which a leader must renew. */
  readonly #patience: Milliseconds;
  readonly #listeners = new Set<(standing: Standing) => void>();
  #told: Standing = NOBODY;
  #timer: Timer | null = null;
  /** The request under way; none: what is answered now was given up. */
  #request: AbortController | null = null;
  /** Of the request under way. */
  #limit: Timer | null = null;
  #state: "new" | "running" | "stopping" | "stopped" = "new";
  /** Who waits until the lease is given back. */
  readonly #givingBack = new Set<() => void>();

  /** @throws OutriggerError `bad-timing` */
  constructor(options: CandidateOptions) {
    const { id, timing, clock, random = Math.random, address } = options;
    this.id = id;
    this.#options = options;
    this.#election = new Election(id, timing, {
      random,
      wallTime: () => clock.wallTime(),
      ...(address !== undefined && { address }),
    });
    this.#patience = timing.renewDeadline / 2;
  }

  /** Computed at the call: a process that was paused past its deadline is no leader at its first question. */
  get standing(): Standing {
    const now = this.#options.clock.now();
    const token = this.#election.token(now);
    return {
      isLeader: token !== null,
      token,
      leader: this.#election.leader(now),
      leaderAddress: this.#election.leaderAddress(now),
    };
  }

  /** The record as it was last seen, for people; null: there is none, or none was read yet. */
  get record(): LeaseRecord | null {
    return this.#election.record;
  }

  /** How long belief lasts unless a renewal is answered, or else another's lease unless it is renewed; 0: there is none. */
  get expiresIn(): Milliseconds {
    const now = this.#options.clock.now();
    if (this.#election.leads(now)) return this.#election.believesUntil - now;
    return this.#election.leader(now) === null ? 0 : this.#election.expiresAt - now;
  }

  /** Calls `listener` when its standing was seen to change. Returns the removal. */
  onChange(listener: (standing: Standing) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  start(): void {
    if (this.#state !== "new") return;
    this.#state = "running";
    this.#step();
  }

  /**
   * Ends belief at once, gives the lease back, and only looks from then on. Resolves when that is done, or has failed: it
   * expires by itself then.
   * @param signal ends the waiting
   */
  async withdraw(signal: AbortSignal): Promise<void> {
    if (this.#state !== "running") return;
    this.#election.withdraw();
    this.#step();
    await this.#givenBack(signal);
  }

  /** Takes part again after `withdraw`. */
  campaign(): void {
    if (this.#state !== "running") return;
    this.#election.campaign();
    this.#step();
  }

  /** As `withdraw`, and for good. */
  async stop(signal: AbortSignal): Promise<void> {
    if (this.#state === "running" && !signal.aborted) {
      this.#state = "stopping";
      this.#election.stop();
      this.#step();
    }
    if (this.#state === "stopping") await this.#givenBack(signal);
    this.#end();
  }

  #givenBack(signal: AbortSignal): Promise<void> {
    if (!this.#election.isGivingBack || signal.aborted) return Promise.resolve();
    return new Promise((resolve) => {
      const done = (): void => {
        signal.removeEventListener("abort", done);
        this.#givingBack.delete(done);
        resolve();
      };
      this.#givingBack.add(done);
      signal.addEventListener("abort", done, { once: true });
    });
  }

  #step(): void {
    const { clock } = this.#options;
    const now = clock.now();
    const action = this.#election.next(now);
    this.#tell();
    if (action.kind !== "wait") this.#send(action);
    if (!this.#election.isGivingBack) for (const done of this.#givingBack) done();
    this.#wake(action.kind === "wait" ? action.until : Infinity, now);
  }

  /** At the time of the next action; and when belief ends, our own or that in another, also while a request is under way. */
  #wake(actionAt: Milliseconds, now: Milliseconds): void {
    this.#timer?.clear();
    this.#timer = null;
    if (this.#state === "stopped") return;
    const { believesUntil, expiresAt } = this.#election;
    const at = Math.min(actionAt, ...[believesUntil, expiresAt].filter((end) => end > now));
    if (at === Infinity) return;
    // A millisecond more: Node's timers may fire a fraction early.
    this.#timer = this.#options.clock.timer(Math.max(1, Math.ceil(at - now) + 1), () => this.#step());
  }

  #send(action: Exclude<Action, { kind: "wait" }>): void {
    const { clock, store, log, onRequest } = this.#options;
    const request = new AbortController();
    this.#request = request;
    const finish = (tell: (now: Milliseconds) => void): void => {
      if (this.#request !== request) return;
      this.#request = null;
      this.#limit?.clear();
      tell(clock.now());
      this.#step();
    };
    const sentAt = clock.now();
    const failed = (now: Milliseconds, err: string): void => {
      onRequest?.(action.kind, null);
      log.warn({ err }, `the ${action.kind} of the lease had no answer`);
      this.#election.unanswered(now);
    };
    this.#limit = clock.timer(this.#patience, () => {
      const silence = new Error(`it did not come within ${this.#patience} ms`);
      finish((now) => failed(now, silence.message));
      request.abort(silence);
    });
    // Nothing may stand between this reading of the clock and the request that could take time off the lease.
    this.#election.sent(action, sentAt);
    const answer: Promise<Sighting | Written | null> =
      action.kind === "read"
        ? store.read(request.signal)
        : store.write(action.record, action.over, action.acquires, request.signal);
    answer.then(
      (result) =>
        finish((now) => {
          onRequest?.(action.kind, now - sentAt);
          if (action.kind === "read") this.#election.read(result as Sighting, now);
          else if (result === null) this.#election.conflicted(now);
          else this.#election.written(result as Written, now);
        }),
      (thrown: unknown) =>
        finish((now) => failed(now, thrown instanceof Error ? thrown.message : String(thrown))),
    );
  }

  #tell(): void {
    const { standing } = this;
    const told = this.#told;
    if (
      standing.token === told.token &&
      standing.leader === told.leader &&
      standing.leaderAddress === told.leaderAddress
    )
      return;
    this.#told = standing;
    for (const listener of this.#listeners) listener(standing);
  }

  #end(): void {
    if (this.#state === "stopped") return;
    this.#election.stop();
    this.#state = "stopped";
    this.#timer?.clear();
    this.#timer = null;
    this.#limit?.clear();
    this.#request?.abort(new Error("stopped"));
    this.#request = null;
    this.#tell();
    for (const done of this.#givingBack) done();
  }
}
