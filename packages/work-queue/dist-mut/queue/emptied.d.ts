/** When a queue has nothing more for its workers: for a worker that is to end then, as a Kubernetes Job does. */
import type { Clock, Milliseconds } from "@outrigger/core";
import type { JobQueue } from "../backend/backend.ts";
/**
 * Resolves when no job waits, runs anywhere, or is due within `horizon`, asked for at each look. While the backend is away nobody knows, and it goes on.
 * @throws the signal's reason
 */
export declare function emptied(queue: JobQueue, horizon: () => Milliseconds, clock: Clock, signal: AbortSignal): Promise<void>;
//# sourceMappingURL=emptied.d.ts.map