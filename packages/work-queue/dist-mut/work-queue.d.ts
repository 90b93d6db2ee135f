/** The work queue: callers' requests become jobs, and jobs the workload's requests. */
import { type ControlRoute, type DataListener, type HealthCheck, type Metrics, type Pattern, type PatternDeps } from "@outrigger/core";
import { type WorkQueueConfig, type WorkQueueInput } from "./config/config.ts";
export interface WorkQueueDeps extends PatternDeps {
    readonly random: () => number;
}
export declare class WorkQueue implements Pattern<WorkQueueConfig> {
    #private;
    readonly metrics: Metrics;
    /** With drainAndExit: no job is left. Rejects where an embedded database has ended: another process can go on with it. */
    readonly finished: Promise<void>;
    constructor(config: WorkQueueConfig, deps: WorkQueueDeps);
    get listeners(): readonly DataListener[];
    get checks(): readonly HealthCheck[];
    get controlRoutes(): readonly ControlRoute[];
    /**
     * Resolves when callers are heard. A backend that is away is tried again and again; until it is there they are told 503.
     * @throws OutriggerError `not-durable`, `folder-in-use`, `folder-unusable`, `no-embedded`, `cannot-listen`
     */
    start(): Promise<void>;
    stop(): Promise<void>;
    /**
     * Takes the limits and times of LIVE_KEYS, all at once, for what comes from now on: a request or an attempt under way keeps
     * those that it began with, and a job the attempts that it was kept with.
     * @throws OutriggerError `not-started`; `restart-needed`: something else is changed, and nothing was taken
     */
    reload(config: WorkQueueConfig): Promise<void>;
    [Symbol.asyncDispose](): Promise<void>;
}
/**
 * A work queue as a library: nothing is global, two of them live in one process.
 * @throws OutriggerError `bad-config`
 */
export declare function createWorkQueue(config: WorkQueueInput, deps?: Partial<WorkQueueDeps>): WorkQueue;
//# sourceMappingURL=work-queue.d.ts.map