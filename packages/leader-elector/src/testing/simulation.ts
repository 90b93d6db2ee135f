/**
 * Candidates, a store and everything that can go wrong between them, on one virtual time from one seed. Each candidate has a
 * clock of its own rate; messages are late, lost, or answered with an error after they were done; candidates are paused in
 * any state, withdraw, crash, and come again under the same name.
 */
import { seededRandom } from "@outrigger/core/testing";
import { DEFAULT_TIMING, type Timing } from "../election/timing.ts";
import { Election, type Action } from "../election/election.ts";
import type { LeaseRecord, Sighting, Written } from "../election/lease-store.ts";

/** A fault of the program that the run is to find. */
export type Mutation = "none" | "no-deadline" | "clock-after-answer";

export interface SimulationOptions {
  readonly seed: number;
  readonly candidates?: number;
  readonly timing?: Timing;
  /** How long things go wrong, in milliseconds; then all is well for long enough to elect somebody. */
  readonly trouble?: number;
  /** Greatest ratio of two clocks' rates; what is promised holds below leaseDuration / renewDeadline. */
  readonly drift?: number;
  readonly mutation?: Mutation;
}

export interface SimulationResult {
  /** The first promise that was broken, in a sentence; null: none. */
  readonly broken: string | null;
  readonly acquisitions: number;
  readonly faults: number;
  /** From the end of the trouble until somebody led, in milliseconds of true time. */
  readonly electedAfter: number;
}

interface Event {
  readonly at: number;
  readonly order: number;
  readonly run: () => void;
}

/** Timers fire a little late, never early: in milliseconds. */
const TICK = 0.5;

class Candidate {
  readonly name: string;
  election: Election;
  alive = true;
  pausedUntil = 0;
  /** Cut off from the store. */
  partitionedUntil = 0;
  readonly rate: number;
  readonly offset: number;
  /** Which life and which request an event belongs to. */
  life = 0;
  request = 0;
  believed: bigint | null = null;
  stopped = false;
  withdrawn = false;
  wake: Event | null = null;

  constructor(name: string, election: Election, rate: number, offset: number) {
    this.name = name;
    this.election = election;
    this.rate = rate;
    this.offset = offset;
  }

  local(now: number): number {
    return this.offset + now * this.rate;
  }

  global(local: number): number {
    return (local - this.offset) / this.rate;
  }
}

export function simulate(options: SimulationOptions): SimulationResult {
  return new Simulation(options).run();
}

class Simulation {
  readonly #random: () => number;
  readonly #timing: Timing;
  readonly #mutation: Mutation;
  readonly #trouble: number;
  readonly #candidates: Candidate[] = [];
  readonly #queue: Event[] = [];
  #order = 0;
  #now = 0;
  #sighting: Sighting = { record: null, version: "0" };
  #revision = 0;
  #highestToken = -1n;
  #broken: string | null = null;
  #acquisitions = 0;
  #faults = 0;
  #electedAt = Infinity;

  constructor(options: SimulationOptions) {
    this.#random = seededRandom(options.seed);
    this.#timing = options.timing ?? DEFAULT_TIMING;
    this.#mutation = options.mutation ?? "none";
    this.#trouble = options.trouble ?? 300_000;
    const drift = options.drift ?? (0.98 * this.#timing.leaseDuration) / this.#timing.renewDeadline;
    const count = options.candidates ?? 2 + Math.floor(this.#random() * 4);
    for (let index = 0; index < count; index++) {
      const rate = drift ** (this.#random() - 0.5);
      const name = `c${index}`;
      this.#candidates.push(new Candidate(name, this.#elect(name), rate, this.#random() * 1e6));
    }
  }

  run(): SimulationResult {
    const bound = this.#bound();
    for (const candidate of this.#candidates) {
      this.#at(this.#random() * 5_000, () => this.#step(candidate));
      this.#nextFault(candidate);
    }
    while (this.#broken === null && this.#queue.length > 0) {
      const event = this.#pop();
      if (event.at > this.#trouble + bound) break;
      this.#now = event.at;
      event.run();
    }
    if (this.#broken === null && this.#electedAt === Infinity)
      this.#broken = `nobody leads ${Math.round(bound)} ms after the trouble was over`;
    return {
      broken: this.#broken,
      acquisitions: this.#acquisitions,
      faults: this.#faults,
      electedAfter: Math.max(0, this.#electedAt - this.#trouble),
    };
  }

  /** A pause or a lost request that began just before the end, then a whole lease on the slowest clock, and a look. */
  #bound(): number {
    const { leaseDuration, renewDeadline, retryPeriod } = this.#timing;
    const slowest = Math.min(...this.#candidates.map(({ rate }) => rate));
    return (renewDeadline / 2 + leaseDuration + 2 * 1.2 * retryPeriod + 2_000) / slowest;
  }

  #elect(name: string): Election {
    return new Election(name, this.#timing, { random: this.#random, wallTime: () => this.#now + 1e12 });
  }

  get #inTrouble(): boolean {
    return this.#now < this.#trouble;
  }

  #step(candidate: Candidate): void {
    if (!candidate.alive) return;
    if (this.#now < candidate.pausedUntil) return this.#wakeAt(candidate, candidate.pausedUntil);
    const local = candidate.local(this.#now);
    const action = candidate.election.next(local);
    this.#look(candidate);
    if (action.kind === "wait") {
      if (action.until < Infinity)
        this.#wakeAt(candidate, Math.max(this.#now, candidate.global(action.until)) + TICK);
      return;
    }
    if (this.#mutation === "clock-after-answer") candidate.election.sent(action, Infinity);
    else candidate.election.sent(action, local);
    this.#send(candidate, action);
  }

  #wakeAt(candidate: Candidate, at: number): void {
    const { life } = candidate;
    const event = this.#at(at, () => {
      if (candidate.life === life && candidate.wake === event) this.#step(candidate);
    });
    candidate.wake = event;
  }

  #send(candidate: Candidate, action: Exclude<Action, { kind: "wait" }>): void {
    const { life } = candidate;
    const request = ++candidate.request;
    const current = (): boolean =>
      candidate.alive && candidate.life === life && candidate.request === request;
    const cut = this.#now < candidate.partitionedUntil;
    const trouble = this.#inTrouble;
    const fate = trouble ? this.#random() : 1;
    // Lost on the way there; done and lost on the way back; done and answered with an error; refused; or all is well.
    const isDone = !cut && fate >= 0.06;
    const isAnswered = isDone && fate >= 0.12;
    const fails = fate >= 0.12 && fate < 0.17;
    const there = this.#delay(trouble);
    const back = this.#delay(trouble);
    let answer: Sighting | Written | null = null;
    if (isDone) this.#at(this.#now + there, () => (answer = this.#do(action)));
    const limit = candidate.global(candidate.local(this.#now) + this.#timing.renewDeadline / 2);
    const finish = (end: () => void): void => {
      if (!current()) return;
      // A paused process gets its answers, and sees its time limits, when it goes on.
      if (this.#now < candidate.pausedUntil) {
        this.#at(candidate.pausedUntil, () => finish(end));
        return;
      }
      candidate.request++;
      end();
      this.#look(candidate);
      this.#step(candidate);
    };
    if (isAnswered) {
      this.#at(this.#now + there + back, () =>
        finish(() => {
          const local = candidate.local(this.#now);
          if (this.#mutation === "clock-after-answer") candidate.election.sent(action, local);
          if (fails) candidate.election.unanswered(local);
          else if (action.kind === "read") candidate.election.read(answer as Sighting, local);
          else if (answer === null) candidate.election.conflicted(local);
          else candidate.election.written(answer as Written, local);
        }),
      );
    }
    this.#at(limit, () => finish(() => candidate.election.unanswered(candidate.local(this.#now))));
  }

  /** Mostly quick; in trouble now and then longer than any time limit. */
  #delay(trouble: boolean): number {
    if (!trouble) return 1 + this.#random() * 20;
    const dice = this.#random();
    const longest = dice < 0.8 ? 100 : dice < 0.95 ? 3_000 : 40_000;
    // What is under way when the trouble ends arrives then.
    return Math.min(this.#random() * longest, (this.#trouble - this.#now) / 2);
  }

  #do(action: Exclude<Action, { kind: "wait" }>): Sighting | Written | null {
    if (action.kind === "read") return this.#sighting;
    if (action.over.version !== this.#sighting.version) return null;
    const { record } = action;
    // As the API server of a cluster: an update that changes nothing is answered, and nobody sees it.
    if (isSame(record, this.#sighting.record)) return { ...this.#sighting, token: BigInt(this.#revision) };
    this.#revision++;
    this.#sighting = { record, version: String(this.#revision) };
    return { ...this.#sighting, token: BigInt(this.#revision) };
  }

  /** What the candidate would answer now, held against what the others would. */
  #look(candidate: Candidate): void {
    const token = this.#belief(candidate);
    if (token !== null && token !== candidate.believed) {
      this.#acquisitions++;
      if (token <= this.#highestToken)
        this.#break(`${candidate.name} leads with token ${token} after ${this.#highestToken} was given`);
      this.#highestToken = token;
    }
    candidate.believed = token;
    if (token === null) return;
    if (candidate.stopped) this.#break(`${candidate.name} believes after it was stopped`);
    if (candidate.withdrawn) this.#break(`${candidate.name} believes after it withdrew`);
    if (this.#now >= this.#trouble) this.#electedAt = Math.min(this.#electedAt, this.#now);
    for (const other of this.#candidates)
      if (other !== candidate && this.#belief(other) !== null)
        this.#break(`${candidate.name} and ${other.name} believe at once, at ${Math.round(this.#now)} ms`);
  }

  /** The token under which it believes now; null: it does not, or is not there to be asked. */
  #belief(candidate: Candidate): bigint | null {
    if (!candidate.alive) return null;
    const { election } = candidate;
    if (this.#mutation === "no-deadline" && election.believesUntil > -Infinity)
      return election.token(election.believesUntil - 1);
    return election.token(candidate.local(this.#now));
  }

  #break(sentence: string): void {
    this.#broken ??= sentence;
  }

  #nextFault(candidate: Candidate): void {
    const at = this.#now + 2_000 + this.#random() * 40_000;
    if (at >= this.#trouble) return;
    this.#at(at, () => {
      this.#faults++;
      const dice = this.#random();
      const span = Math.min(this.#random() * 40_000, this.#trouble - this.#now);
      if (dice < 0.45) candidate.pausedUntil = this.#now + span;
      else if (dice < 0.7) candidate.partitionedUntil = this.#now + span;
      else if (dice < 0.8) this.#withdraw(candidate, span);
      else if (dice < 0.9) this.#crash(candidate, span);
      else this.#leave(candidate, span);
      this.#nextFault(candidate);
    });
  }

  /** It only looks for a while; or for so short a while that it campaigns before the lease is given back. */
  #withdraw(candidate: Candidate, span: number): void {
    if (!candidate.alive || candidate.stopped) return;
    const { life } = candidate;
    candidate.election.withdraw();
    candidate.withdrawn = true;
    this.#step(candidate);
    this.#at(this.#now + (this.#random() < 0.3 ? Math.min(span, 20) : span), () => {
      if (candidate.life !== life || candidate.stopped) return;
      candidate.election.campaign();
      candidate.withdrawn = false;
      this.#step(candidate);
    });
  }

  #crash(candidate: Candidate, span: number): void {
    candidate.alive = false;
    candidate.believed = null;
    this.#at(this.#now + span, () => this.#begin(candidate));
  }

  /** In order: it gives the lease back, if it can, and comes again later under its name. */
  #leave(candidate: Candidate, span: number): void {
    if (!candidate.alive || candidate.stopped) return;
    candidate.election.stop();
    candidate.stopped = true;
    this.#step(candidate);
    this.#at(this.#now + span, () => this.#begin(candidate));
  }

  #begin(candidate: Candidate): void {
    candidate.life++;
    candidate.request++;
    candidate.alive = true;
    candidate.stopped = false;
    candidate.withdrawn = false;
    candidate.pausedUntil = 0;
    candidate.believed = null;
    candidate.election = this.#elect(candidate.name);
    this.#step(candidate);
  }

  #at(at: number, run: () => void): Event {
    const event = { at, order: this.#order++, run };
    const queue = this.#queue;
    let child = queue.push(event) - 1;
    while (child > 0) {
      const parent = (child - 1) >> 1;
      if (!before(queue[child] as Event, queue[parent] as Event)) break;
      [queue[child], queue[parent]] = [queue[parent] as Event, queue[child] as Event];
      child = parent;
    }
    return event;
  }

  #pop(): Event {
    const queue = this.#queue;
    const first = queue[0] as Event;
    const last = queue.pop() as Event;
    if (queue.length === 0) return first;
    queue[0] = last;
    for (let parent = 0; ;) {
      let least = parent;
      for (const child of [2 * parent + 1, 2 * parent + 2])
        if (child < queue.length && before(queue[child] as Event, queue[least] as Event)) least = child;
      if (least === parent) return first;
      [queue[parent], queue[least]] = [queue[least] as Event, queue[parent] as Event];
      parent = least;
    }
  }
}

function isSame(one: LeaseRecord, other: LeaseRecord | null): boolean {
  return other !== null && JSON.stringify(one) === JSON.stringify(other);
}

const before = (one: Event, other: Event): boolean =>
  one.at < other.at || (one.at === other.at && one.order < other.order);
