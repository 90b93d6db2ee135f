/** When a queue has nothing more for its workers: for a worker that is to end then, as a Kubernetes Job does. */
import type { Clock, Milliseconds } from "@outrigger/core";
import type { JobQueue } from "../backend/backend.ts";

const LOOK_EVERY: Milliseconds = 1_000;

/**
 * Resolves when no job waits, runs anywhere, or is due within `horizon`, asked for at each look. While the backend is away nobody knows, and it goes on.
 * @throws the signal's reason
 */
export async function emptied(
  queue: JobQueue,
  horizon: () => Milliseconds,
  clock: Clock,
  signal: AbortSignal,
): Promise<void> {
  for (;;) {
    try {
      if (await isEmpty(queue, clock.wallTime() + horizon())) return;
    } catch {
      // The next look tells.
    }
    await clock.sleep(LOOK_EVERY, signal);
  }
}

/** @param horizon a time, in milliseconds since 1970: what is due after it does not count */
async function isEmpty(queue: JobQueue, horizon: Milliseconds): Promise<boolean> {
  const { delayed = 0, ...now } = await queue.getJobCounts("waiting", "prioritized", "active", "delayed");
  if (!isNone(now)) return false;
  if (delayed === 0) return true;
  // Counted by another question. A job whose time comes in between is in neither answer, but in the next one; and one that is
  // begun, and fails, until then is among those that are due, again.
  const isNoneDue = async (): Promise<boolean> => (await queue.getDelayedCount(horizon)) === 0;
  return (
    (await isNoneDue()) && isNone(await queue.getJobCounts("waiting", "prioritized", "active")) && isNoneDue()
  );
}

const isNone = (counts: Record<string, number>): boolean =>
  Object.values(counts).every((count) => count === 0);
