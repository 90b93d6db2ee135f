/** One container's life: start, probes, restarts with back-off, hooks, stop. The pod decides when. */
import type { Clock, Milliseconds } from "@outrigger/core";
import { CrashBackOff } from "./back-off.ts";
import type { ContainerPlan, Hook } from "./plan.ts";
import { act, Prober, type ProbePlan, type ProbeResult } from "./probe.ts";
import { makeSubPaths } from "./sub-path.ts";
import { exitCodeOf, howItEnded, ProcessGroup, type Ended, type GroupWatcher } from "./process-group.ts";

export type ContainerState =
  | { readonly is: "waiting"; readonly reason: "not started" | "back-off"; readonly until?: Milliseconds }
  | {
      readonly is: "running";
      readonly since: Milliseconds;
      readonly pid: number;
      readonly started: boolean;
      readonly ready: boolean;
    }
  | { readonly is: "stopping"; readonly pid: number }
  | { readonly is: "ended"; readonly code: number; readonly how: string };

export interface ContainerDeps {
  readonly clock: Clock;
  readonly backOffBase: Milliseconds;
  readonly watcher: GroupWatcher;
  /** The grace of the pod, for a restart that a probe asks for. */
  readonly grace: Milliseconds;
  output(line: string, stream: "stdout" | "stderr"): void;
  /** Something a person wants to know: started, ready, probe failed, exited. */
  say(level: "info" | "warn" | "error", message: string): void;
}

export class Container {
  readonly plan: ContainerPlan;
  readonly #deps: ContainerDeps;
  readonly #backOff: CrashBackOff;
  readonly #ending = new AbortController();
  #group: ProcessGroup | null = null;
  #probers: Prober[] = [];
  #state: ContainerState = { is: "waiting", reason: "not started" };
  #life: Promise<void> = Promise.resolve();
  #restarts = 0;
  #failures = 0;
  #restartReason: string | null = null;
  #killedAfterGrace = false;

  /** Resolves true when the startup probe (or, without one, the start itself) has succeeded; false when it never will. */
  readonly started: Promise<boolean>;
  #tellStarted: (started: boolean) => void = () => {};
  /** Resolves when the first start and its postStart hook are done, well or not: what the next container waits for. */
  readonly launched: Promise<void>;
  #tellLaunched: () => void = () => {};

  constructor(plan: ContainerPlan, deps: ContainerDeps) {
    this.plan = plan;
    this.#deps = deps;
    this.#backOff = new CrashBackOff(deps.backOffBase);
    this.started = new Promise((resolve) => (this.#tellStarted = resolve));
    this.launched = new Promise((resolve) => (this.#tellLaunched = resolve));
  }

  get state(): ContainerState {
    return this.#state;
  }
  get restarts(): number {
    return this.#restarts;
  }
  /** Ends that nobody asked for and that were not a success. */
  get failures(): number {
    return this.#failures;
  }
  /** Whether it outlived its grace and was killed. */
  get killedAfterGrace(): boolean {
    return this.#killedAfterGrace;
  }
  get ready(): boolean {
    return this.#state.is === "running" && this.#state.ready;
  }

  /** Starts it and keeps it as its restart policy says. @returns when it has ended for good */
  start(): Promise<void> {
    this.#life = this.#live();
    return this.#life;
  }

  async #live(): Promise<void> {
    while (!this.#ending.signal.aborted) {
      const began = this.#deps.clock.now();
      const ended = await this.#once();
      const code = exitCodeOf(ended);
      const ranFor = this.#deps.clock.now() - began;
      const asked = this.#ending.signal.aborted;
      this.#state = { is: "ended", code, how: howItEnded(ended) };
      if (asked) {
        this.#deps.say("info", `stopped: ${howItEnded(ended)}`);
        break;
      }
      if (code !== 0) this.#failures++;
      const { restartPolicy } = this.plan;
      const again =
        this.#restartReason !== null
          ? restartPolicy !== "Never"
          : restartPolicy === "Always" || (restartPolicy === "OnFailure" && code !== 0);
      this.#restartReason = null;
      if (!again) {
        this.#deps.say(code === 0 ? "info" : "error", howItEnded(ended));
        break;
      }
      const delay = this.#backOff.next(ranFor);
      const when = delay === 0 ? "restarting" : `restarting in ${delay / 1000} s (back-off)`;
      this.#deps.say(code === 0 ? "info" : "warn", `${howItEnded(ended)}; ${when}`);
      if (delay > 0) {
        this.#state = { is: "waiting", reason: "back-off", until: this.#deps.clock.now() + delay };
        try {
          await this.#deps.clock.sleep(delay, this.#ending.signal);
        } catch {
          this.#state = { is: "ended", code, how: howItEnded(ended) };
          break;
        }
      }
      this.#restarts++;
    }
    this.#tellStarted(false);
    this.#tellLaunched();
  }

  /** From one start to its end. */
  async #once(): Promise<Ended> {
    const { clock, output, say, watcher } = this.#deps;
    const impossible = makeSubPaths(this.plan.mounts);
    if (impossible !== null) {
      this.#tellLaunched();
      return { code: 127, signal: null, reason: `cannot start: ${impossible}` };
    }
    const group = new ProcessGroup(this.plan.command, output, watcher);
    this.#group = group;
    if (group.pid !== undefined) {
      this.#state = { is: "running", since: clock.now(), pid: group.pid, started: false, ready: false };
      say("info", `started (pid ${group.pid}${this.#restarts > 0 ? `, restart ${this.#restarts}` : ""})`);
      if (!this.#ending.signal.aborted) void this.#accompany(group);
    }
    const ended = await group.ended;
    for (const prober of this.#probers) prober.stop();
    this.#probers = [];
    this.#group = null;
    this.#tellLaunched();
    return ended;
  }

  /** postStart, then the probes: startup first, the two others once it has succeeded. */
  async #accompany(group: ProcessGroup): Promise<void> {
    const current = (): boolean => this.#group === group && !this.#ending.signal.aborted;
    const { postStart, startupProbe } = this.plan;
    if (postStart) {
      const result = await this.#hook(postStart, this.#deps.grace, this.#ending.signal);
      if (!current()) return;
      if (result !== null) {
        this.#restart(group, `postStart hook failed (${result})`, this.#deps.grace);
        return;
      }
    }
    this.#tellLaunched();
    if (!startupProbe) {
      this.#markStarted(group);
      return;
    }
    const prober = this.#prober(startupProbe, (verdict) => {
      if (!verdict.healthy) {
        this.#restart(
          group,
          `startup probe failed ${startupProbe.failureThreshold} times (${verdict.why})`,
          startupProbe.grace,
        );
      } else {
        prober.stop();
        this.#markStarted(group);
      }
    });
  }

  #markStarted(group: ProcessGroup): void {
    if (this.#group !== group || this.#state.is !== "running") return;
    const { livenessProbe, readinessProbe } = this.plan;
    this.#state = { ...this.#state, started: true, ready: readinessProbe === undefined };
    if (this.plan.startupProbe) this.#deps.say("info", "startup probe succeeded");
    this.#tellStarted(true);
    if (livenessProbe) {
      this.#prober(
        livenessProbe,
        (verdict) => {
          if (verdict.healthy) return;
          this.#restart(
            group,
            `liveness probe failed ${livenessProbe.failureThreshold} times (${verdict.why})`,
            livenessProbe.grace,
          );
        },
        (why) => this.#deps.say("warn", `liveness probe failed: ${why}`),
      );
    }
    if (readinessProbe) {
      this.#prober(readinessProbe, (verdict) => {
        if (this.#state.is !== "running") return;
        this.#state = { ...this.#state, ready: verdict.healthy };
        if (verdict.healthy) this.#deps.say("info", "ready");
        else this.#deps.say("warn", `not ready: readiness probe failed (${verdict.why})`);
      });
    }
  }

  #prober(
    plan: ProbePlan,
    onVerdict: ConstructorParameters<typeof Prober>[3],
    onFailure?: (why: string) => void,
  ): Prober {
    const probe = (signal: AbortSignal): Promise<ProbeResult> =>
      act(plan.action, plan.timeout, signal, this.#deps.watcher);
    const prober = new Prober(plan, this.#deps.clock, probe, onVerdict, onFailure);
    this.#probers.push(prober);
    prober.start();
    return prober;
  }

  #hook(hook: Hook, limit: Milliseconds, signal: AbortSignal): Promise<ProbeResult> {
    if (hook.kind === "sleep") {
      return this.#deps.clock.sleep(Math.min(hook.span, limit), signal).then(
        () => null,
        () => "cancelled",
      );
    }
    return act(hook, limit, signal, this.#deps.watcher);
  }

  /** A probe or hook wants the process ended; the restart policy decides what then. */
  #restart(group: ProcessGroup, why: string, grace: Milliseconds | undefined): void {
    if (this.#group !== group || this.#restartReason !== null || this.#ending.signal.aborted) return;
    this.#restartReason = why;
    for (const prober of this.#probers) prober.stop();
    this.#deps.say("warn", `${why}: stopping it`);
    void this.#end(group, grace ?? this.#deps.grace, this.#ending.signal);
  }

  /** preStop, stop signal, and SIGKILL when the grace is over. */
  async #end(
    group: ProcessGroup,
    grace: Milliseconds,
    signal: AbortSignal,
    turn?: Promise<unknown>,
  ): Promise<void> {
    const { clock, say } = this.#deps;
    const deadline = clock.now() + grace;
    const gone = new AbortController();
    void group.ended.then(() => gone.abort());
    const either = AbortSignal.any([signal, gone.signal]);
    if (this.plan.preStop) {
      const result = await this.#hook(this.plan.preStop, grace, either);
      if (result !== null && !either.aborted) say("warn", `preStop hook failed: ${result}`);
    }
    await turn;
    if (gone.signal.aborted || signal.aborted) return;
    group.signalHead(this.plan.stopSignal);
    try {
      await clock.sleep(Math.max(MINIMUM_GRACE, deadline - clock.now()), either);
      this.#killedAfterGrace = true;
      say("warn", `did not stop within its grace: killed`);
      group.signal("SIGKILL");
    } catch {
      // It has ended, or a stop of the pod takes over with its own grace.
    }
  }

  /**
   * Stops it for good.
   * @param grace from now to SIGKILL; what preStop takes is part of it, but 2 s always remain, as the kubelet does
   * @param turn the stop signal waits for this; preStop does not
   */
  async stop(grace: Milliseconds, turn?: Promise<unknown>): Promise<void> {
    if (!this.#ending.signal.aborted) {
      this.#ending.abort();
      for (const prober of this.#probers) prober.stop();
      const group = this.#group;
      if (group?.pid !== undefined) {
        this.#state = { is: "stopping", pid: group.pid };
        await this.#end(group, grace, new AbortController().signal, turn);
      }
    }
    await this.#life;
  }

  /** Ends it at once. */
  kill(): void {
    this.#ending.abort();
    this.#group?.signal("SIGKILL");
  }
}

/** However little is left, a container has this long between its stop signal and SIGKILL. */
const MINIMUM_GRACE: Milliseconds = 2000;
