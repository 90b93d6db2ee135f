/** A pod's order, as the kubelet keeps it: init containers, sidecars, main containers; and back again at the end. */
import type { Clock, Milliseconds } from "@outrigger/core";
import { withRoom } from "../run-folder.ts";
import { Container, type ContainerDeps } from "./container.ts";
import type { ContainerPlan, PodPlan } from "./plan.ts";
import { createRoots } from "./plan-pod.ts";
import type { GroupWatcher } from "./process-group.ts";
import { createVolume } from "./volume.ts";

export interface PodDeps {
  readonly clock: Clock;
  readonly backOffBase: Milliseconds;
  readonly watcher: GroupWatcher;
  output(container: ContainerPlan, line: string, stream: "stdout" | "stderr"): void;
  /** container null: about the pod itself. */
  say(container: ContainerPlan | null, level: "info" | "warn" | "error", message: string): void;
  /** The main containers have ended, the sidecars have not: the last moment to ask those for their figures. */
  beforeSidecarsStop(): Promise<void>;
}

export type PodPhase = "starting" | "running" | "stopping" | "succeeded" | "failed";

export class Pod {
  readonly plan: PodPlan;
  readonly containers: readonly Container[];
  readonly #deps: PodDeps;
  readonly #stopping = new AbortController();
  #phase: PodPhase = "starting";
  #stop: Promise<void> | null = null;

  constructor(plan: PodPlan, deps: PodDeps) {
    this.plan = plan;
    this.#deps = deps;
    this.containers = [...plan.init, ...plan.main].map(
      (each) => new Container(each, this.#containerDeps(each)),
    );
  }

  #containerDeps(plan: ContainerPlan): ContainerDeps {
    const { clock, backOffBase, watcher, output, say } = this.#deps;
    return {
      clock,
      backOffBase,
      watcher,
      grace: this.plan.grace,
      output: (line, stream) => output(plan, line, stream),
      say: (level, message) => say(plan, level, message),
    };
  }

  get phase(): PodPhase {
    return this.#phase;
  }

  #of(role: ContainerPlan["role"]): Container[] {
    return this.containers.filter((container) => container.plan.role === role);
  }

  /** Starts everything in order. @returns when the pod has ended: of itself, or because `stop` was called */
  async run(): Promise<void> {
    await withRoom(async () => {
      for (const volume of this.plan.volumes) await createVolume(volume);
      createRoots(this.plan);
    });
    const deadline =
      this.plan.deadline === undefined
        ? null
        : this.#deps.clock.timer(this.plan.deadline, () => {
            this.#deps.say(
              null,
              "error",
              `activeDeadlineSeconds (${(this.plan.deadline ?? 0) / 1000} s) has passed: stopping the pod`,
            );
            this.#phase = "failed";
            void this.stop();
          });
    try {
      const main = this.#of("main");
      if (await this.#initialise()) {
        if (this.#phase === "starting") this.#phase = "running";
        const lives: Promise<void>[] = [];
        for (const container of main) {
          if (this.#stopping.signal.aborted) break;
          lives.push(container.start());
          // A postStart hook holds back the next container: classic sidecars are waited for in this way.
          await container.launched;
        }
        await Promise.all(lives);
      }
      if (!this.#stopping.signal.aborted) {
        const failed = this.containers.some(
          ({ plan, state }) => plan.role !== "sidecar" && (state.is !== "ended" || state.code !== 0),
        );
        this.#phase = failed ? "failed" : "succeeded";
      }
      await this.stop();
    } finally {
      deadline?.clear();
    }
  }

  /** @returns false where an init container failed for good, a sidecar never started, or the pod is stopped */
  async #initialise(): Promise<boolean> {
    for (const container of this.containers) {
      if (this.#stopping.signal.aborted) return false;
      if (container.plan.role === "init") {
        await container.start();
        const { state } = container;
        if (state.is !== "ended" || state.code !== 0) {
          if (!this.#stopping.signal.aborted)
            this.#deps.say(container.plan, "error", "init container failed: the pod ends");
          return false;
        }
      } else if (container.plan.role === "sidecar") {
        void container.start();
        if (!(await container.started)) return false;
      }
    }
    return !this.#stopping.signal.aborted;
  }

  /**
   * Stops in the kubelet's order: every preStop at once; main containers (and a running init container) get their
   * stop signal together; then sidecars, the last started first, each when the one after it has gone.
   */
  stop(): Promise<void> {
    this.#stop ??= this.#stopInOrder();
    return this.#stop;
  }

  async #stopInOrder(): Promise<void> {
    const own = this.#phase === "succeeded" || this.#phase === "failed";
    this.#stopping.abort();
    if (!own) this.#phase = "stopping";
    const { grace } = this.plan;
    const first = [...this.#of("init"), ...this.#of("main")];
    let turn: Promise<unknown> = Promise.all(first.map((container) => container.stop(grace))).then(() =>
      this.#deps.beforeSidecarsStop(),
    );
    const stops = [turn];
    for (const sidecar of this.#of("sidecar").reverse()) {
      turn = sidecar.stop(grace, turn);
      stops.push(turn);
    }
    await Promise.all(stops);
  }

  /** Ends every process at once. */
  kill(): void {
    this.#stopping.abort();
    for (const container of this.containers) container.kill();
  }
}
