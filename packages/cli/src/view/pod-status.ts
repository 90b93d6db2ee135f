/** What the views show of a pod, read from it at one moment. */
import type { Pod } from "../pod/pod.ts";
import type { ContainerState } from "../pod/container.ts";

export interface ContainerStatus {
  readonly label: string;
  readonly role: string;
  readonly state: ContainerState;
  readonly restarts: number;
  readonly killed: boolean;
}

export interface PodStatus {
  readonly name: string;
  readonly phase: string;
  readonly containers: readonly ContainerStatus[];
}

export function podStatus(pod: Pod, labelOf: (container: string) => string): PodStatus {
  return {
    name: pod.plan.label,
    phase: pod.phase,
    containers: pod.containers.map(({ plan, state, restarts, killedAfterGrace }) => ({
      label: labelOf(plan.name),
      role: plan.role,
      state,
      restarts,
      killed: killedAfterGrace,
    })),
  };
}

export function exitCodeText({ state, killed }: ContainerStatus): string {
  if (state.is !== "ended") return state.is === "waiting" ? "never ran" : "still running";
  return killed ? `${state.how} (did not stop within its grace)` : state.how;
}
