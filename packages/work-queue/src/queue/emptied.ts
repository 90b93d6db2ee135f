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
      const counts = await queue.getJobCounts("waiting", "prioritized", "active");
      const now = Object.values(counts).reduce((sum, count) => sum + count, 0);
      if (now === 0 && (await queue.getDelayedCount(clock.wallTime() + horizon())) === 0) return;
    } catch {
      // The next look tells.
    }
    await clock.sleep(LOOK_EVERY, signal);
  }
}
