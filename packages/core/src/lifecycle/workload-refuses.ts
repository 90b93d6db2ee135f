/** Looks whether the workload behind a gate still accepts connections. */
import type { Clock } from "../time/clock.ts";
import type { Milliseconds } from "../units.ts";
import type { Gate } from "./gate.ts";

/** Short beside any stop, long beside a connect on loopback. */
const LOOK_EVERY: Milliseconds = 100;

/** Resolves with true once it refuses one; with false when the signal aborts first. */
export async function workloadRefuses(gate: Gate, clock: Clock, signal: AbortSignal): Promise<boolean> {
  while (!signal.aborted) {
    if (!(await gate.workloadAccepts())) return !signal.aborted;
    await clock.sleep(LOOK_EVERY, signal).catch(() => {});
  }
  return false;
}
