import type { WorkQueueConfig } from "./config/config.ts";
import type { LiveConfig } from "./config/live.ts";
import { Followers } from "./front/followers.ts";
import { JobWatches } from "./front/job-watches.ts";
import { Waits } from "./front/waits.ts";
import { JobStore, type JobStoreDeps } from "./queue/job-store.ts";
import type { Board } from "./board/board.ts";
import type { Schedules } from "./schedules/schedules.ts";
import { QueueWorker, type QueueWorkerDeps } from "./worker/queue-worker.ts";
export type OpenQueueDeps = Omit<QueueWorkerDeps, "cancellations" | "bodies" | "contract" | "pauseQueue" | "ending"> & Pick<JobStoreDeps, "depthChanged">;
export declare class OpenQueue {
    #private;
    readonly store: JobStore;
    readonly watches: JobWatches;
    readonly waits: Waits;
    readonly followers: Followers;
    /** null: this process does no jobs. */
    readonly worker: QueueWorker | null;
    /** Resolves when its backend cannot be used any more, by this process. */
    readonly ended: Promise<Error>;
    private constructor();
    /** @throws OutriggerError: `redis-unreachable`, `postgres-unreachable`; or why this backend will not do */
    static open(config: WorkQueueConfig, deps: OpenQueueDeps): Promise<OpenQueue>;
    /** null: another role's. */
    get schedules(): Schedules | null;
    /** null: none is asked for. */
    get board(): Board | null;
    /** For what comes from now on. */
    reload(config: LiveConfig): void;
    /** At once: attempts under way are another worker's. */
    close(): Promise<void>;
}
/** The backend is not there now, and may be later. */
export declare const isAway: (code: string) => boolean;
//# sourceMappingURL=open-queue.d.ts.map