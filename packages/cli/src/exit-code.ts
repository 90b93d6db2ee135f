/** What a run's end means: which containers failed, and the exit code that follows. */
import type { Pod } from "./pod/pod.ts";

/** 143: ended by our SIGTERM without a handler of its own, which is how most programs stop. */
const ORDERLY = new Set([0, 143]);

/** One sentence for each failure: a main container that ended badly at any time, a container that ended badly at the stop. */
export function verdict(pods: readonly Pod[], label: (pod: Pod, container: string) => string): string[] {
  const failures: string[] = [];
  for (const pod of pods) {
    for (const container of pod.containers) {
      const { plan, state, killedAfterGrace } = container;
      const name = label(pod, plan.name);
      if (killedAfterGrace) failures.push(`${name} did not stop within its grace and was killed`);
      else if (state.is === "ended" && !ORDERLY.has(state.code)) failures.push(`${name} ${state.how}`);
      else if (plan.role === "main" && container.failures > 0) {
        failures.push(`${name} failed ${container.failures} times while it ran`);
      }
    }
    if (pod.phase === "failed" && failures.length === 0) failures.push(`pod ${pod.plan.label} failed`);
  }
  return failures;
}

/** Who ends a run by hand has ended it well, whatever its containers say; --for and the pod's own end tell. */
export function exitCodeOfRun(ending: "asked" | "time" | null, failures: readonly string[]): number {
  return ending === "asked" || failures.length === 0 ? 0 : 1;
}
