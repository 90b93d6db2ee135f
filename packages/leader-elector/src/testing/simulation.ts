/**
 * Candidates, a Lease and everything that can go wrong between them, on one virtual time from one seed. Each candidate has a
 * clock of its own rate, and a wall clock of its own; messages are late, lost, or answered with an error after they were done;
 * candidates are paused or suspended in any state, withdraw, crash, and come again. Some may be client-go's (client-go.ts).
 *
 * Held against all of them: no two believe at once; the tokens of ours rise; nobody of ours believes after it was stopped or
 * withdrew; somebody leads within the bound after the trouble. Of client-go's that is belief by its promise, not by its own
 * lights: how often it acted beyond that while another led is counted, and breaks nothing.
 */
import { seededRandom } from "@outrigger/core/testing";
import { DEFAULT_TIMING, type Timing } from "../election/timing.ts";
import { EventQueue, type Event } from "./event-queue.ts";
import { LeaseServer } from "./lease-server.ts";
import { ClientGoPlayer, OurPlayer, type Mutation, type Player, type Request } from "./player.ts";

export interface SimulationOptions {
  readonly seed: number;
  /** Which candidates contend. Default: only ours. */
  readonly field?: "ours" | "mixed" | "client-go";
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
  /** By candidates of ours, and of client-go's. */
  readonly acquisitions: number;
  readonly otherAcquisitions: number;
  readonly faults: number;
  /** How often a client-go candidate acted as leader while another believed: it promises nothing else. */
  readonly beyondPromise: number;
  /** From the end of the trouble until somebody led, in milliseconds of true time. */
  readonly electedAfter: number;
}

/** Timers fire a little late, never early: in milliseconds. */
const TICK = 0.5;
/** What candidates of client-go may be configured with beside ours, in turn; all tolerate a drift of 1.4. */
const THEIR_TIMINGS: readonly Timing[] = [
  DEFAULT_TIMING,
  { leaseDuration: 30_000, renewDeadline: 20_000, retryPeriod: 4_000 },
  { leaseDuration: 10_000, renewDeadline: 7_000, retryPeriod: 1_000 },
];

interface Candidate {
  readonly name: string;
  player: Player;
  readonly timing: Timing;
  readonly rate: number;
  readonly offset: number;
  alive: boolean;
  pausedUntil: number;
  /** Cut off from the server. */
  partitionedUntil: number;
  /** Which life and which request an event belongs to. */
  life: number;
  request: number;
  believed: bigint | null;
  stopped: boolean;
  withdrawn: boolean;
  wake: Event | null;
}

export function simulate(options: SimulationOptions): SimulationResult {
  return new Simulation(options).run();
}

class Simulation {
  readonly #random: () => number;
  readonly #mutation: Mutation;
  readonly #trouble: number;
  readonly #candidates: Candidate[] = [];
  readonly #queue = new EventQueue();
  readonly #server: LeaseServer;
  #now = 0;
  #highestToken = -1n;
  #broken: string | null = null;
  #acquisitions = 0;
  #otherAcquisitions = 0;
  #faults = 0;
  #beyondPromise = 0;
  #electedAt = Infinity;

  constructor(options: SimulationOptions) {
    const random = (this.#random = seededRandom(options.seed));
    const { field = "ours", timing = DEFAULT_TIMING } = options;
    this.#mutation = options.mutation ?? "none";
    this.#trouble = options.trouble ?? 300_000;
    // None, one that was made beforehand, or one that its holder left behind.
    const dice = random();
    this.#server = new LeaseServer(
      dice < 0.5 ? undefined : dice < 0.7 ? null : { holderIdentity: "gone", leaseDurationSeconds: 15 },
    );
    const theirs = field === "ours" ? timing : (THEIR_TIMINGS[options.seed % 3] as Timing);
    const drift =
      options.drift ??
      (0.98 * (field === "ours" ? timing.leaseDuration : 14)) /
        (field === "ours" ? timing.renewDeadline : 10);
    const count = 2 + Math.floor(random() * 4);
    for (let index = 0; index < count; index++) {
      const isOurs =
        field === "ours" || (field === "mixed" && (index === 0 || (index > 1 && random() < 0.5)));
      const candidate: Candidate = {
        name: `${isOurs ? "ours" : "client-go"}-${index}`,
        player: undefined as unknown as Player,
        timing: isOurs ? timing : theirs,
        rate: drift ** (random() - 0.5),
        offset: random() * 1e6,
        alive: true,
        pausedUntil: 0,
        partitionedUntil: 0,
        life: 0,
        request: 0,
        believed: null,
        stopped: false,
        withdrawn: false,
        wake: null,
      };
      candidate.player = this.#play(candidate, isOurs);
      this.#candidates.push(candidate);
    }
  }

  run(): SimulationResult {
    const bound = this.#bound();
    for (const candidate of this.#candidates) {
      this.#queue.put(this.#random() * 5_000, () => this.#step(candidate));
      this.#nextFault(candidate);
    }
    while (this.#broken === null) {
      const event = this.#queue.take();
      if (event === null || event.at > this.#trouble + bound) break;
      this.#now = event.at;
      event.run();
    }
    if (this.#broken === null && this.#electedAt === Infinity)
      this.#broken = `nobody leads ${Math.round(bound)} ms after the trouble was over`;
    return {
      broken: this.#broken,
      acquisitions: this.#acquisitions,
      otherAcquisitions: this.#otherAcquisitions,
      faults: this.#faults,
      beyondPromise: this.#beyondPromise,
      electedAfter: Math.max(0, this.#electedAt - this.#trouble),
    };
  }

  /**
   * A pause or a lost request that began just before the end, then the longest lease on the slowest clock, and a look: of ours
   * up to 1.2 retryPeriods apart, of client-go's 2.2.
   */
  #bound(): number {
    const longest = (span: (candidate: Candidate) => number): number =>
      Math.max(...this.#candidates.map(span));
    const slowest = Math.min(...this.#candidates.map(({ rate }) => rate));
    return (
      (longest(({ timing }) => timing.renewDeadline) / 2 +
        longest(({ timing }) => timing.leaseDuration) +
        2 * longest(({ timing, player }) => (player.isOurs ? 1.2 : 2.2) * timing.retryPeriod) +
        2_000) /
      slowest
    );
  }

  #play(candidate: Candidate, isOurs: boolean): Player {
    const deps = {
      server: this.#server,
      random: this.#random,
      wallTime: () => 1e12 + this.#local(candidate),
    };
    const name = `${candidate.name}.${isOurs || this.#random() < 0.5 ? 0 : candidate.life}`;
    return isOurs
      ? new OurPlayer(name, candidate.timing, this.#mutation, deps)
      : new ClientGoPlayer(name, candidate.timing, deps);
  }

  #local({ offset, rate }: Candidate): number {
    return offset + this.#now * rate;
  }

  #step(candidate: Candidate): void {
    if (!candidate.alive) return;
    if (this.#now < candidate.pausedUntil) return this.#wakeAt(candidate, candidate.pausedUntil);
    const next = candidate.player.next(this.#local(candidate));
    this.#look(candidate);
    // Whose loop has ended has its process started again.
    if (candidate.player.isOver && !candidate.stopped) return this.#crash(candidate, this.#random() * 1_000);
    if (typeof next !== "number") return this.#send(candidate, next);
    if (next < Infinity)
      this.#wakeAt(candidate, Math.max(this.#now, (next - candidate.offset) / candidate.rate) + TICK);
  }

  #wakeAt(candidate: Candidate, at: number): void {
    const { life } = candidate;
    const event = this.#queue.put(at, () => {
      if (candidate.life === life && candidate.wake === event) this.#step(candidate);
    });
    candidate.wake = event;
  }

  #send(candidate: Candidate, request: Request): void {
    const { life } = candidate;
    const number = ++candidate.request;
    const inTrouble = this.#now < this.#trouble;
    const fate = inTrouble ? this.#random() : 1;
    // Lost on the way there; done and lost on the way back; done and answered with an error; or all is well.
    const isDone = this.#now >= candidate.partitionedUntil && fate >= 0.06;
    const isAnswered = isDone && fate >= 0.12;
    const fails = fate < 0.17;
    const there = this.#now + this.#delay(inTrouble);
    const back = there + this.#delay(inTrouble);
    if (isDone) this.#queue.put(there, () => request.perform());
    const finish = (end: (local: number) => void): void => {
      if (!candidate.alive || candidate.life !== life || candidate.request !== number) return;
      // A paused process gets its answers, and sees its time limits, when it goes on.
      if (this.#now < candidate.pausedUntil) {
        this.#queue.put(candidate.pausedUntil, () => finish(end));
        return;
      }
      candidate.request++;
      end(this.#local(candidate));
      this.#look(candidate);
      this.#step(candidate);
    };
    const unanswered = (local: number): void => request.unanswered(local);
    if (isAnswered)
      this.#queue.put(back, () => finish(fails ? unanswered : (local) => request.answered(local)));
    this.#queue.put(this.#now + request.patience / candidate.rate, () => finish(unanswered));
  }

  /** Mostly quick; in trouble now and then longer than any time limit. */
  #delay(inTrouble: boolean): number {
    if (!inTrouble) return 1 + this.#random() * 20;
    const dice = this.#random();
    const longest = dice < 0.8 ? 100 : dice < 0.95 ? 3_000 : 40_000;
    // What is under way when the trouble ends arrives then.
    return Math.min(this.#random() * longest, (this.#trouble - this.#now) / 2);
  }

  /** What the candidate would answer now, held against what the others would. */
  #look(candidate: Candidate): void {
    const { name, player } = candidate;
    const belief = this.#belief(candidate);
    if (belief !== null && belief !== candidate.believed) this.#acquired(candidate, belief);
    candidate.believed = belief;
    const acts = candidate.alive && player.acts(this.#local(candidate));
    if (belief === null && !acts) return;
    const other = this.#candidates.find((each) => each !== candidate && this.#belief(each) !== null);
    if (belief === null) {
      if (other !== undefined) this.#beyondPromise++;
      return;
    }
    if (other !== undefined)
      this.#break(`${name} and ${other.name} believe at once, at ${Math.round(this.#now)} ms`);
    if (candidate.stopped) this.#break(`${name} believes after it was stopped`);
    if (candidate.withdrawn) this.#break(`${name} believes after it withdrew`);
    if (this.#now >= this.#trouble) this.#electedAt = Math.min(this.#electedAt, this.#now);
  }

  #acquired({ name, player }: Candidate, token: bigint): void {
    if (!player.isOurs) {
      this.#otherAcquisitions++;
      return;
    }
    this.#acquisitions++;
    if (token <= this.#highestToken)
      this.#break(`${name} leads with token ${token} after ${this.#highestToken} was given`);
    this.#highestToken = token;
  }

  /** null: it does not believe now, or is not there to be asked. */
  #belief(candidate: Candidate): bigint | null {
    return candidate.alive ? candidate.player.belief(this.#local(candidate)) : null;
  }

  #break(sentence: string): void {
    this.#broken ??= sentence;
  }

  #nextFault(candidate: Candidate): void {
    const at = this.#now + 2_000 + this.#random() * 40_000;
    if (at >= this.#trouble) return;
    this.#queue.put(at, () => {
      this.#faults++;
      const dice = this.#random();
      const span = Math.min(this.#random() * 40_000, this.#trouble - this.#now);
      if (dice < 0.45) this.#pause(candidate, span, dice < 0.15);
      else if (dice < 0.7) candidate.partitionedUntil = this.#now + span;
      else if (dice < 0.8) this.#withdraw(candidate, span);
      else if (dice < 0.9) this.#crash(candidate, span);
      else this.#leave(candidate, span);
      this.#nextFault(candidate);
    });
  }

  /** Stopped (SIGSTOP), or the machine sleeps; longer, if it was already. */
  #pause(candidate: Candidate, span: number, isSuspend: boolean): void {
    const from = Math.max(this.#now, candidate.pausedUntil);
    candidate.pausedUntil = Math.max(from, this.#now + span);
    if (isSuspend) candidate.player.suspended((candidate.pausedUntil - from) * candidate.rate);
  }

  /** It only looks for a while; or for so short a while that it campaigns before the lease is given back. */
  #withdraw(candidate: Candidate, span: number): void {
    const { life, player } = candidate;
    if (!(player instanceof OurPlayer)) return this.#leave(candidate, span);
    if (!candidate.alive || candidate.stopped) return;
    player.election.withdraw();
    candidate.withdrawn = true;
    this.#step(candidate);
    this.#queue.put(this.#now + (this.#random() < 0.3 ? Math.min(span, 20) : span), () => {
      if (candidate.life !== life || candidate.stopped) return;
      player.election.campaign();
      candidate.withdrawn = false;
      this.#step(candidate);
    });
  }

  #crash(candidate: Candidate, span: number): void {
    candidate.alive = false;
    candidate.believed = null;
    this.#begin(candidate, span);
  }

  /** In order: it gives the lease back, if it can, and comes again later. */
  #leave(candidate: Candidate, span: number): void {
    if (!candidate.alive || candidate.stopped) return;
    candidate.player.stop();
    candidate.stopped = true;
    // client-go waits for no request that is under way.
    if (!candidate.player.isOurs) candidate.request++;
    this.#step(candidate);
    this.#begin(candidate, span);
  }

  /** A new life, under its name or (a pod's) under another. */
  #begin(candidate: Candidate, after: number): void {
    this.#queue.put(this.#now + after, () => {
      candidate.life++;
      candidate.request++;
      candidate.alive = true;
      candidate.stopped = false;
      candidate.withdrawn = false;
      candidate.pausedUntil = 0;
      candidate.believed = null;
      candidate.player = this.#play(candidate, candidate.player.isOurs);
      this.#step(candidate);
    });
  }
}
