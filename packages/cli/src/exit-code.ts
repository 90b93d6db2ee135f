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

/** Why a run ends, when it does not end of itself: a signal, --for, or a standard output that takes no more. */
export type Ending = "asked" | "time" | "output lost";

/**
 * Who ends a run by hand has ended it well, whatever its containers say, and so has who stops reading what it says;
 * --for and the pod's own end tell. (An output that cannot be written for another reason is exit code 1: see main.ts.)
 * @param limited whether --for was given: then its exit code is what was asked for, read or not
 */
export function exitCodeOfRun(ending: Ending | null, limited: boolean, failures: readonly string[]): number {
  const byHand = ending === "asked" || (ending === "output lost" && !limited);
  return byHand || failures.length === 0 ? 0 : 1;
}
