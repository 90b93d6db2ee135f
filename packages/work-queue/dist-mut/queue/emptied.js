const LOOK_EVERY = 1_000;
/**
 * Resolves when no job waits, runs anywhere, or is due within `horizon`, asked for at each look. While the backend is away nobody knows, and it goes on.
 * @throws the signal's reason
 */
export async function emptied(queue, horizon, clock, signal) {
    for (;;) {
        try {
            const counts = await queue.getJobCounts("waiting", "prioritized", "active");
            const now = Object.values(counts).reduce((sum, count) => sum + count, 0);
            if (now === 0 && (await queue.getDelayedCount(clock.wallTime() + horizon())) === 0)
                return;
        }
        catch {
            // The next look tells.
        }
        await clock.sleep(LOOK_EVERY, signal);
    }
}
//# sourceMappingURL=emptied.js.map