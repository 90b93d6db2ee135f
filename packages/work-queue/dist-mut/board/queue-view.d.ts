/**
 * A queue as the board may see it. What it has of a job is written out here, field by field: nothing that a caller sent or the
 * workload said is among it. What would change a queue is refused here, too, whoever asks.
 */
import { BaseAdapter } from "@bull-board/api/dist/queueAdapters/base.js";
import type { AppJobScheduler, JobCounts, JobStatus, QueueJob, QueueMetrics, Status } from "@bull-board/api/typings/app";
import type { Queue } from "bullmq";
export declare class QueueView extends BaseAdapter {
    #private;
    constructor(queue: Queue, displayName: string);
    getName(): string;
    getStatuses(): Status[];
    getJobStatuses(): JobStatus[];
    getJobCounts(): Promise<JobCounts>;
    getJob(id: string): Promise<QueueJob | null>;
    getJobs(statuses: JobStatus[], start?: number, end?: number): Promise<QueueJob[]>;
    getJobLogs(): Promise<string[]>;
    getMetrics(): Promise<QueueMetrics>;
    /** The server's place and version are not ours to tell. */
    getRedisInfo(): Promise<string | null>;
    isPaused(): Promise<boolean>;
    getGlobalConcurrency(): Promise<number | null>;
    /** Without what they ask for. */
    getJobSchedulers(): Promise<Omit<AppJobScheduler, "queueName">[]>;
    getJobSchedulersCount(): Promise<number>;
    addJob: typeof refuse;
    clean: typeof refuse;
    empty: typeof refuse;
    obliterate: typeof refuse;
    pause: typeof refuse;
    promoteAll: typeof refuse;
    removeJobScheduler: typeof refuse;
    resume: typeof refuse;
    runJobSchedulerNow: typeof refuse;
    setGlobalConcurrency: typeof refuse;
    updateJobScheduler: typeof refuse;
}
declare function refuse(): Promise<never>;
export {};
//# sourceMappingURL=queue-view.d.ts.map