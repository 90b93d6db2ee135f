/** How long a lease lasts, and how often it is renewed; what cannot work is refused where it is built. */
import { formatDuration, OutriggerError, type Milliseconds } from "@outrigger/core";

/** client-go's names and defaults (tools/leaderelection), all in milliseconds. */
export interface Timing {
  /** How long a lease must stand unchanged before somebody else takes it. */
  readonly leaseDuration: Milliseconds;
  /** How long a leader believes in it after a renewal was sent. */
  readonly renewDeadline: Milliseconds;
  /** Between renewals of the leader, and at least between looks of the others. */
  readonly retryPeriod: Milliseconds;
}

export const DEFAULT_TIMING: Timing = { leaseDuration: 15_000, renewDeadline: 10_000, retryPeriod: 2_000 };

/** Looks of those who do not lead are up to this share of retryPeriod later, so that they do not come all at once. */
export const JITTER = 1.2;

/**
 * @throws OutriggerError `bad-timing` with a sentence for each impossible combination
 */
export function checkTiming({ leaseDuration, renewDeadline, retryPeriod }: Timing): void {
  const wrong: string[] = [];
  for (const [name, span] of Object.entries({ leaseDuration, renewDeadline, retryPeriod }))
    if (!(Number.isFinite(span) && span > 0))
      wrong.push(`${name} must be longer than nothing: it is ${span} ms`);
  const [lease, deadline, retry] = [leaseDuration, renewDeadline, retryPeriod].map(formatDuration);
  if (leaseDuration <= renewDeadline)
    wrong.push(
      `leaseDuration ${lease} is not longer than renewDeadline ${deadline}: another could lead while the leader still believes`,
    );
  if (renewDeadline <= JITTER * retryPeriod)
    wrong.push(
      `renewDeadline ${deadline} is not longer than ${JITTER} x retryPeriod ${retry}: one late renewal would end every leadership`,
    );
  // Lease.spec.leaseDurationSeconds is a whole number.
  if (leaseDuration % 1_000 !== 0 || leaseDuration < 1_000)
    wrong.push(`leaseDuration ${lease} is not in whole seconds, as the Lease object has it`);
  if (wrong.length > 0) throw new OutriggerError("bad-timing", wrong.join("\n"));
}
