/** A work queue on a port of its own, and what its callers are told. */
import type { WorkQueueInput } from "../config/config.ts";
import { type WorkQueue, type WorkQueueDeps } from "../work-queue.ts";
export declare function openedQueue(input: Partial<WorkQueueInput> & {
    backend: string;
    workload: string;
}, deps?: Partial<WorkQueueDeps>): Promise<WorkQueue>;
export declare const portOf: (queue: WorkQueue) => number;
export declare const ask: (queue: WorkQueue, path: string, init?: RequestInit) => Promise<Response>;
export type Told = Record<"id" | "state" | "reason" | "message" | "error" | "location" | "result", string> & {
    attempts: number;
    status: number;
};
export declare const told: (response: Response) => Promise<Told>;
export declare function outcome(queue: WorkQueue, id: string): Promise<Told>;
//# sourceMappingURL=opened-queue.d.ts.map