/** Who takes part in a simulation: our algorithm or client-go's, each with its own way to the one Lease. */
import type { Milliseconds } from "@outrigger/core";
import type { Lease } from "@outrigger/core/kubernetes";
import { Election } from "../election/election.ts";
import type { Sighting, Written } from "../election/lease-store.ts";
import type { Timing } from "../election/timing.ts";
import { filled, recordOf } from "../store/lease-object.ts";
import { ClientGo, type ClientGoAnswer } from "./client-go.ts";
import type { LeaseServer } from "./lease-server.ts";

/** A fault of the program that the run is to find. */
export type Mutation =
  | "none"
  /** Belief goes on until something is heard. */
  | "no-deadline"
  /** The lease is counted from the answer. */
  | "clock-after-answer"
  /** The holder's leaseDuration does not count, only one's own. */
  | "own-lease-duration"
  /** Another's lease ends by the times that are written in it. */
  | "expired-by-its-times";

/** All times are of the candidate's own clock, which goes on in suspend. */
export interface Request {
  readonly patience: Milliseconds;
  /** It has reached the server. */
  perform(): void;
  answered(now: Milliseconds): void;
  unanswered(now: Milliseconds): void;
}

export interface Player {
  readonly isOurs: boolean;
  /** What it sends now, or until when it waits. */
  next(now: Milliseconds): Request | Milliseconds;
  /** Since when it leads and until when nobody else may: by what it is known by, or null. Of ours that is the token. */
  belief(now: Milliseconds): bigint | null;
  /** Whether it acts as the leader, by its own lights. */
  acts(now: Milliseconds): boolean;
  /** It has ended by itself. */
  readonly isOver: boolean;
  /** In order: it gives the lease back, if it can. */
  stop(): void;
  /** The machine slept for so long. */
  suspended(span: Milliseconds): void;
}

export interface PlayerDeps {
  readonly server: LeaseServer;
  readonly random: () => number;
  readonly wallTime: () => Milliseconds;
}

export class OurPlayer implements Player {
  readonly isOurs = true;
  readonly isOver = false;
  readonly election: Election;
  readonly #timing: Timing;
  readonly #deps: PlayerDeps;
  readonly #mutation: Mutation;
  readonly #leases = new WeakMap<Sighting, Lease>();

  constructor(name: string, timing: Timing, mutation: Mutation, deps: PlayerDeps) {
    this.election = new Election(name, timing, deps);
    this.#timing = timing;
    this.#mutation = mutation;
    this.#deps = deps;
  }

  next(now: Milliseconds): Request | Milliseconds {
    const { election } = this;
    const { server } = this.#deps;
    const action = election.next(this.#isExpiredByItsTimes(now) ? now + 1e9 : now);
    if (action.kind === "wait") return action.until;
    let answer: Sighting | Written | null = null;
    const sent = this.#mutation === "clock-after-answer" ? Infinity : now;
    election.sent(action, sent);
    return {
      patience: this.#timing.renewDeadline / 2,
      perform: () => {
        if (action.kind === "read") answer = this.#sight(server.get());
        else {
          const over = this.#leases.get(action.over);
          const lease = filled(over ?? { metadata: { name: "lease" } }, action.record);
          const done = over === undefined ? server.create(lease) : server.update(lease);
          answer = done === null ? null : this.#sight(done);
        }
      },
      answered: (at) => {
        if (sent === Infinity) election.sent(action, at);
        if (action.kind === "read") election.read(answer as Sighting, at);
        else if (answer === null) election.conflicted(at);
        else election.written(answer as Written, at);
      },
      unanswered: (at) => election.unanswered(at),
    };
  }

  belief(now: Milliseconds): bigint | null {
    const { election } = this;
    if (this.#mutation === "no-deadline" && election.believesUntil > -Infinity)
      return election.token(election.believesUntil - 1);
    return election.token(now);
  }

  acts(now: Milliseconds): boolean {
    return this.belief(now) !== null;
  }

  stop(): void {
    this.election.stop();
  }

  suspended(): void {}

  #sight(lease: Lease | null): Written {
    if (lease === null) return { record: null, version: "0", token: 0n };
    const version = lease.metadata.resourceVersion as string;
    const found = recordOf(lease);
    const record =
      this.#mutation === "own-lease-duration"
        ? { ...found, leaseDuration: this.#timing.leaseDuration }
        : found;
    const sighting = { record, version, token: BigInt(version) };
    this.#leases.set(sighting, lease);
    return sighting;
  }

  #isExpiredByItsTimes(now: Milliseconds): boolean {
    if (this.#mutation !== "expired-by-its-times" || this.election.leads(now)) return false;
    const record = this.election.record;
    return record !== null && record.renewedAt / 1_000 + record.leaseDuration < this.#deps.wallTime();
  }
}

export class ClientGoPlayer implements Player {
  readonly isOurs = false;
  readonly #model: ClientGo;
  readonly #timing: Timing;
  readonly #server: LeaseServer;
  /** How much its clock has lost in suspend. */
  #behind: Milliseconds = 0;
  #term = 0n;
  #promisedUntil: Milliseconds = -Infinity;

  constructor(name: string, timing: Timing, { server, random, wallTime }: PlayerDeps) {
    this.#model = new ClientGo(name, timing, random() < 0.5, { random, wallTime });
    this.#timing = timing;
    this.#server = server;
  }

  next(now: Milliseconds): Request | Milliseconds {
    const model = this.#model;
    const action = model.next(now - this.#behind);
    if (action.kind === "wait") return action.until + this.#behind;
    let answer: ClientGoAnswer;
    return {
      patience: model.patience,
      perform: () => {
        answer = action.kind === "get" ? this.#server.get() : this.#server[action.kind](action.lease);
      },
      answered: (at) => {
        const led = model.leads;
        model.answered(answer, at - this.#behind);
        if (action.kind === "get" || !answer || !model.leads) return;
        if (!led) this.#term++;
        this.#promisedUntil = now + this.#timing.renewDeadline;
      },
      unanswered: (at) => model.answered(undefined, at - this.#behind),
    };
  }

  belief(now: Milliseconds): bigint | null {
    return this.#model.leads && now < this.#promisedUntil ? this.#term : null;
  }

  acts(): boolean {
    return this.#model.leads;
  }

  get isOver(): boolean {
    return this.#model.isOver;
  }

  stop(): void {
    this.#model.cancel();
  }

  suspended(span: Milliseconds): void {
    this.#behind += span;
  }
}
