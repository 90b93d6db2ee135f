import { type Clock, type Logger, type Metrics, type Milliseconds } from "@outrigger/core";
import type { Backend } from "../backend/backend.ts";
import type { WorkQueueConfig } from "../config/config.ts";
import type { LiveConfig } from "../config/live.ts";
import type { Bodies } from "../blobs/bodies.ts";
import type { Standing } from "../job/standing.ts";
import type { Cancellations } from "../queue/cancellations.ts";
import type { Contract } from "./contract.ts";
export interface QueueWorkerDeps {
    readonly clock: Clock;
    readonly log: Logger;
    readonly random: () => number;
    readonly metrics: Metrics;
    readonly cancellations: Cancellations;
    readonly bodies: Bodies;
    /** Ends with the worker. */
    readonly contract: Contract;
    /** Nobody takes a job of this queue for so long, wherever. */
    pauseQueue(span: Milliseconds): Promise<void>;
    /** A job is about to end as this says; it does once this resolves. @throws where it shall not end now */
    ending?(standing: Standing): Promise<void>;
}
export declare class QueueWorker {
    #private;
    constructor(backend: Backend, config: WorkQueueConfig, deps: QueueWorkerDeps);
    get running(): number;
    /** For attempts that begin from now on. */
    reload(config: LiveConfig): void;
    /** Jobs are taken as soon as the workload is ready. */
    start(): Promise<void>;
    /**
     * Takes no further job; resolves when those that run have ended. When `cut` aborts they go back into the queue, and are
     * another worker's at once; where the backend does not take them back, after lockDuration.
     */
    end(cut: AbortSignal): Promise<void>;
}
//# sourceMappingURL=queue-worker.d.ts.map