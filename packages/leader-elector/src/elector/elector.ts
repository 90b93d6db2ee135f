/**
 * One election of this replica: its candidate, its duties while it leads, and why it does not campaign at the moment.
 *
 * Leadership ends in this order: nobody is told any more that we lead; the duties end; the lease is given back. Only when it
 * is lost, because no renewal was answered in time, there is nothing to give back and no time to lose.
 */
import {
  formatDuration,
  type Clock,
  type Logger,
  type Metrics,
  type Milliseconds,
  type Timer,
} from "@outrigger/core";
import { Candidate, type Standing } from "../election/candidate.ts";
import type { LeaseStore } from "../election/lease-store.ts";
import type { Timing } from "../election/timing.ts";
import type { Duty, EndReason } from "../duty/duty.ts";
import { ActiveTerm } from "./active-term.ts";
import { ChangeLog } from "./change-log.ts";
import { ElectionMetrics } from "./election-metrics.ts";
import { HoldBacks } from "./hold-backs.ts";
import { isSameView, type View } from "./view.ts";

/** Whether the workload can do what a leader must; `null`: it was not asked yet. */
export interface WorkloadHealth {
  readonly healthy: boolean | null;
  onChange(listener: () => void): () => void;
  start(): void;
  stop(): void;
}

export interface ElectorOptions {
  readonly election: string;
  /** Unlike any other candidate's. */
  readonly id: string;
  readonly timing: Timing;
  readonly store: LeaseStore;
  /** In the order in which they begin. */
  readonly duties: readonly Duty[];
  /** `on-request`: it campaigns only after `becomeLeader`. Default: auto. */
  readonly campaign?: "auto" | "on-request";
  /** How long duties may take to end before they are cut, unless the process ends. Default: 10 s. */
  readonly releaseTimeout?: Milliseconds;
  /** The lease is kept for so long after the duties have ended, for workloads that poll. Default: none. */
  readonly releaseDelay?: Milliseconds;
  /** It resigns when `renew` was not called for so long. Default: never. */
  readonly requireRenewal?: Milliseconds;
  /** Without: always healthy. */
  readonly health?: WorkloadHealth;
  /** Where it wants to be reached when it leads, HOST:PORT. */
  readonly address?: string;
}

export interface ElectorDeps {
  /** core's createBootClock, which counts the time of a suspended machine. */
  readonly clock: Clock;
  readonly log: Logger;
  readonly metrics: Metrics;
  /** Uniform in [0, 1). */
  readonly random?: () => number;
}

const RELEASE_TIMEOUT: Milliseconds = 10_000;
/** Less than what the container gives a pattern to stop. */
const LAST_RELEASE: Milliseconds = 800;

export class Elector {
  readonly election: string;
  readonly id: string;
  readonly changes: ChangeLog<View>;
  readonly #options: ElectorOptions;
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #candidate: Candidate;
  readonly #metrics: ElectionMetrics;
  readonly #heldBack: HoldBacks;
  /** Fires when the workload has not renewed for so long as is required. */
  #renewal: Timer | null = null;
  #term: ActiveTerm | null = null;
  /** Ending in order: the lease is given back at the end of it. */
  #steppingDown: Promise<void> | null = null;
  #told: View;
  #followed: string | null = null;
  #endHealth: () => void = () => {};
  #stopping = false;
  readonly #stopped = new AbortController();
  readonly #gone = new AbortController();
  /** The workload may still act: what is not given back keeps others away. */
  #keepsLease = false;

  /** @throws OutriggerError `bad-timing` */
  constructor(options: ElectorOptions, deps: ElectorDeps) {
    this.election = options.election;
    this.id = options.id;
    this.#options = options;
    this.#clock = deps.clock;
    this.#log = deps.log;
    this.#heldBack = new HoldBacks(deps.clock, () => this.#freed());
    this.#metrics = new ElectionMetrics(deps.metrics, options.election);
    this.#candidate = new Candidate({
      id: options.id,
      timing: options.timing,
      store: options.store,
      clock: deps.clock,
      log: deps.log,
      onRequest: (kind, took) => this.#metrics.request(kind, took),
      ...(deps.random !== undefined && { random: deps.random }),
      ...(options.address !== undefined && { address: options.address }),
    });
    this.changes = new ChangeLog(Math.floor(deps.clock.wallTime()).toString(16));
    if (options.campaign === "on-request") this.#heldBack.add("unasked");
    if (options.health !== undefined) this.#heldBack.add("sick");
    this.#told = this.view;
    this.#metrics.observe(
      () => this.view.isLeader,
      () => this.#candidate.expiresIn,
    );
  }

  /** Computed at the call: what a process that was paused answers first is right, too. */
  get view(): View {
    const { standing } = this;
    const term = this.#term;
    const isLeader = term !== null && term.isInEffect && term.isLeading;
    return {
      election: this.election,
      id: this.id,
      leader: standing.leader,
      leaderAddress: standing.leaderAddress,
      isLeader,
      token: isLeader ? term.token : null,
      state: isLeader ? "leading" : term === null ? "standby" : term.isEnding ? "ending" : "beginning",
      heldBack: this.#heldBack.list,
    };
  }

  get standing(): Standing {
    return this.#candidate.standing;
  }

  get candidate(): Pick<Candidate, "record" | "expiresIn"> {
    return this.#candidate;
  }

  /** Aborts when it has stopped: nothing changes here any more, whoever waits for changes asks anew. */
  get gone(): AbortSignal {
    return this.#gone.signal;
  }

  /** Starts the duties, then the candidacy. @throws whatever keeps a duty from starting; what had started is stopped */
  async start(): Promise<void> {
    const { duties, health } = this.#options;
    const started: Duty[] = [];
    try {
      for (const duty of duties) {
        started.push(duty);
        await duty.start?.();
      }
    } catch (thrown) {
      await Promise.allSettled(started.map(async (duty) => duty.stop?.()));
      throw thrown;
    }
    // It was stopped meanwhile, and knew nothing of those that have started since.
    if (this.#stopped.signal.aborted) await Promise.allSettled(started.map(async (duty) => duty.stop?.()));
    if (this.#stopping) return;
    this.#candidate.onChange(() => this.#follow());
    this.#candidate.start();
    if (!this.#heldBack.none) void this.#candidate.withdraw(AbortSignal.abort());
    if (health !== undefined) {
      this.#endHealth = health.onChange(() => this.#healthChanged(health));
      health.start();
      this.#healthChanged(health);
    }
  }

  /**
   * Campaigns, if it was held back by a resignation or unasked.
   * @returns whether it leads, at the latest when `signal` aborts
   */
  async becomeLeader(signal: AbortSignal): Promise<boolean> {
    this.renew();
    this.#heldBack.remove("unasked");
    this.#heldBack.remove("resigned");
    if (!this.view.isLeader) await this.changes.next(signal, ({ isLeader }) => isLeader);
    return this.view.isLeader;
  }

  /** The workload says that it still leads. @returns whether it does */
  renew(): boolean {
    this.#renewal?.refresh();
    return this.view.isLeader;
  }

  /**
   * Ends its duties, gives the lease back, and campaigns again when another has led, or after one lease. While it is retired:
   * the workload's word that it has stopped, for which the release then waits no longer.
   * @returns null where it does not lead; else what resolves when the lease is given back
   */
  resign(): Promise<void> | null {
    return this.#term === null ? null : this.#stepDown("resigned");
  }

  /**
   * Ends it for good: stands back at once, ends its duties, and gives the lease back. Resolves when that is done.
   * @param graceEnds what has not ended then is cut
   * @param workGone asked when the duties have ended: resolves with true when the workload itself has stopped; with false when it
   *   has not until the end, and then nothing is given back. Default: nobody else is at work
   * @param grace from now until `graceEnds`, of which each duty gets a part; Infinity (default): it is not known
   */
  async retire(
    graceEnds: AbortSignal,
    workGone = () => Promise.resolve(true),
    grace: Milliseconds = Infinity,
  ): Promise<void> {
    this.#stopping = true;
    this.#heldBack.add("stopping");
    // A workload that stops has nothing to renew: its silence is not its word that it has stopped.
    this.#endRenewals();
    const term = this.#term;
    if (term === null) return this.#candidate.withdraw(graceEnds);
    if (!term.isEnding) this.#metrics.ended("stopped");
    this.#keepsLease = true;
    const ended = term.end("stopped", grace, graceEnds);
    this.#tell();
    await ended;
    const { releaseDelay = 0 } = this.#options;
    // Or resigned meanwhile.
    const gone = (await workGone()) || !this.#keepsLease;
    this.#keepsLease = !gone;
    if (gone && releaseDelay > 0) {
      const cut = AbortSignal.any([graceEnds, this.#stopped.signal]);
      await this.#clock.sleep(releaseDelay, cut).catch(() => {});
    }
    if (gone) {
      await this.#candidate.withdraw(graceEnds);
      return this.#termEnded(term);
    }
    this.#log.warn(
      {},
      "the lease is not given back, since the workload has not stopped: it expires by itself",
    );
  }

  /** Closes at once whatever is still open, and gives the lease back, unless the workload is known to act still. */
  async stop(): Promise<void> {
    this.#stopping = true;
    this.#stopped.abort(new Error("the elector was stopped"));
    this.#heldBack.stop();
    this.#endRenewals();
    this.#endHealth();
    this.#options.health?.stop();
    const ended = this.#term?.end("stopped", 0, this.#stopped.signal);
    this.#tell();
    await ended;
    const limit = new AbortController();
    const timer = this.#clock.timer(LAST_RELEASE, () => limit.abort());
    if (this.#keepsLease) limit.abort();
    await this.#candidate.stop(limit.signal);
    timer.clear();
    await Promise.allSettled(this.#options.duties.map(async (duty) => duty.stop?.()));
    this.#metrics.remove();
    this.#gone.abort(new Error("the elector was stopped"));
  }

  /** What was begun because of leadership has come to a bad end: it is given up. */
  fail(reason: string): void {
    if (this.#term === null || this.#term.isEnding) return;
    this.#log.error({ err: reason }, "leadership is given up, since its work has failed");
    void this.#stepDown("failed");
  }

  /** Notices what a process that was paused has missed, before its timers do. */
  look(): void {
    this.#follow();
  }

  /** The candidate's standing has changed, or a term has ended. */
  #follow(): void {
    const { standing } = this;
    const term = this.#term;
    if (term !== null && term.token !== standing.token) void this.#lose(term);
    if (term === null && standing.token !== null && this.#heldBack.none) void this.#begin(standing.token);
    if (standing.leader !== null && standing.leader !== this.id) this.#heldBack.remove("resigned");
    const followed = JSON.stringify([standing.leader, standing.leaderAddress]);
    if (followed !== this.#followed) {
      this.#followed = followed;
      const leader =
        standing.leader === null ? null : { id: standing.leader, address: standing.leaderAddress };
      for (const duty of this.#options.duties) duty.follow?.(leader);
    }
    this.#tell();
  }

  async #begin(token: bigint): Promise<void> {
    const term = new ActiveTerm({
      election: this.election,
      id: this.id,
      token,
      acquiredAt: this.#clock.wallTime(),
      duties: this.#options.duties,
      believes: () => this.#candidate.standing.token === token,
      clock: this.#clock,
      log: this.#log,
    });
    this.#term = term;
    this.#metrics.acquired();
    this.#log.info({}, `leadership acquired, token ${token}`);
    const failure = await term.begin();
    if (failure !== null) {
      this.#log.error({ err: failure.message }, "a duty could not begin: leadership is given back");
      return this.#stepDown("failed");
    }
    if (term.isInEffect) this.#awaitRenewals();
    this.#tell();
  }

  #awaitRenewals(): void {
    const { requireRenewal: span } = this.#options;
    if (span === undefined) return;
    this.#renewal = this.#clock.timer(span, () => {
      this.#renewal = null;
      this.#log.warn({ within: formatDuration(span) }, "the workload has not renewed its leadership");
      void this.#stepDown("resigned");
    });
  }

  #endRenewals(): void {
    this.#renewal?.clear();
    this.#renewal = null;
  }

  /** Another may lead soon: half of the time until then is for an orderly end. */
  async #lose(term: ActiveTerm): Promise<void> {
    const { leaseDuration, renewDeadline } = this.#options.timing;
    const first = !term.isEnding;
    if (first) {
      this.#metrics.ended("lost");
      this.#log.warn({}, `leadership lost, token ${term.token}: no renewal was answered in time`);
    }
    await term.end("lost", (leaseDuration - renewDeadline) / 2);
    if (first) this.#termEnded(term);
  }

  #stepDown(why: Exclude<EndReason, "lost" | "stopped">): Promise<void> {
    const term = this.#term;
    const back = why === "resigned" && this.#options.campaign === "on-request" ? "unasked" : why;
    this.#heldBack.add(back);
    if (this.#stopping && why !== "resigned") return Promise.resolve();
    if (term === null) return this.#candidate.withdraw(AbortSignal.abort());
    return (this.#steppingDown ??= this.#stepDownNow(term, why).finally(() => (this.#steppingDown = null)));
  }

  async #stepDownNow(term: ActiveTerm, why: EndReason): Promise<void> {
    const { releaseTimeout = RELEASE_TIMEOUT, releaseDelay = 0 } = this.#options;
    const first = !term.isEnding;
    const ended = term.end(why, this.#stopping ? Infinity : releaseTimeout);
    if (first) {
      this.#metrics.ended(why);
      this.#log.info({ why }, `leadership is given up, token ${term.token}`);
    }
    this.#tell();
    await ended;
    const { signal } = this.#stopped;
    if (releaseDelay > 0) await this.#clock.sleep(releaseDelay, signal).catch(() => {});
    this.#keepsLease = false;
    await this.#releaseWithin(this.#options.timing.leaseDuration);
    // The others get a whole lease's time, from here on.
    for (const why of ["resigned", "failed"] as const)
      this.#heldBack.limit(why, this.#options.timing.leaseDuration);
    this.#termEnded(term);
    if (this.#heldBack.none) this.#candidate.campaign();
  }

  /** Later there is nothing left to give back. */
  async #releaseWithin(span: Milliseconds): Promise<void> {
    const limit = new AbortController();
    const timer = this.#clock.timer(span, () => limit.abort());
    await this.#candidate.withdraw(AbortSignal.any([limit.signal, this.#stopped.signal]));
    timer.clear();
  }

  #termEnded(term: ActiveTerm): void {
    if (this.#term !== term) return;
    this.#term = null;
    this.#endRenewals();
    this.#follow();
  }

  #healthChanged(health: WorkloadHealth): void {
    if (health.healthy === true) this.#heldBack.remove("sick");
    else if (health.healthy === false && !this.#heldBack.has("sick")) {
      this.#log.warn({}, "the workload is not healthy: it does not campaign, and leads no more");
      void this.#stepDown("sick");
    }
  }

  /** A reason not to campaign has gone. What is to be given back is given back first, by the candidate. */
  #freed(): void {
    if (this.#heldBack.none) this.#candidate.campaign();
    this.#tell();
  }

  #tell(): void {
    const { view } = this;
    if (isSameView(view, this.#told)) return;
    this.#told = view;
    this.changes.add(view);
  }
}
