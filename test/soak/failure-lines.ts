/** A workload's failures as lines for a result. */
import type { Workload } from "../support/workload.ts";

export function failureLines(workload: Workload): string[] {
  return workload.failures.map(
    ({ id, kind, status, detail }) => `request ${id}, ${kind}${status > 0 ? ` ${status}` : ""}: ${detail}`,
  );
}
