/** The end in order: no reload begins, the one under way is waited for, then the listeners drain; all within grace. */
import type { ConfigReloader } from "../config/reloader.ts";
import type { DataListener } from "../lifecycle/data-listener.ts";
import type { GateDrain } from "../lifecycle/gate-drain.ts";
import type { DrainReport, DrainTimes, Lifecycle } from "../lifecycle/lifecycle.ts";
import type { Logger } from "../log/logger.ts";
import type { Clock } from "../time/clock.ts";
import { formatDuration, type Milliseconds } from "../units.ts";

export interface DrainParts {
  readonly reloader: Pick<ConfigReloader<unknown>, "close">;
  readonly gateDrain: Pick<GateDrain, "takeOver" | "listenerEnded">;
  readonly lifecycle: Lifecycle;
  readonly clock: Clock;
  readonly log: Logger;
  /** Asked when the last reload has ended, which may have changed both. */
  listeners(): readonly DataListener[];
  times(): DrainTimes;
}

/** Resolves when the last listener is done, at the latest when `grace` (counted from the call) ends. */
export async function drainWithinGrace(reason: string, parts: DrainParts): Promise<DrainReport> {
  const { reloader, gateDrain, lifecycle, clock, log } = parts;
  const began = clock.now();
  // What a reload opens now would not be drained: none begins any more, and one under way is waited for.
  if (!(await endsWithin(clock, parts.times().grace / 2, reloader.close())))
    log.warn({}, "a reload has not ended in half of the grace period: what it opens is not drained");
  const { grace, settle, egressQuiet } = parts.times();
  log.info({ reason, grace: formatDuration(grace) }, "draining");
  const left = Math.max(0, grace - (clock.now() - began));
  const report = await lifecycle.drain(
    reason,
    parts.listeners(),
    { grace: left, settle: Math.max(0, settle - gateDrain.takeOver()), egressQuiet },
    (listener) => gateDrain.listenerEnded(listener),
  );
  const fields = { cut: report.cut, took: formatDuration(report.took) };
  if (report.cut > 0) log.warn(fields, "stopped: the grace period ended before all requests did");
  else log.info(fields, "stopped");
  return report;
}

async function endsWithin(clock: Clock, limit: Milliseconds, work: Promise<void>): Promise<boolean> {
  const ended = new AbortController();
  try {
    return await Promise.race([work.then(() => true), clock.sleep(limit, ended.signal).then(() => false)]);
  } finally {
    ended.abort();
  }
}
