import { type Clock, type Metrics, type Milliseconds } from "@outrigger/core";
import type { Bodies } from "../blobs/bodies.ts";
import type { Backend } from "../backend/backend.ts";
import { DeadLetters } from "../dead-letters/dead-letters.ts";
import { type Standing } from "../job/standing.ts";
import type { StoredRequest } from "../job/stored-request.ts";
import type { Cancellations } from "./cancellations.ts";
import { DepthWatch } from "./depth-watch.ts";
export interface JobStoreLimits {
    readonly attempts: number;
    readonly idempotencyWindow: Milliseconds;
}
export interface JobStoreOptions extends JobStoreLimits {
    readonly queue: string;
    readonly storeTimeout: Milliseconds;
}
export interface JobStoreDeps {
    readonly clock: Clock;
    readonly metrics: Metrics;
    readonly cancellations: Cancellations;
    readonly bodies: Bodies;
    /** The backend is not reached: it tries again by itself. */
    onError(error: Error): void;
    /** The depth was looked at, or a job added. */
    depthChanged(): void;
}
/** A key that its caller chose, and what it stands for. */
export interface Idempotency {
    readonly key: string;
    /** Of method, target and body. */
    readonly fingerprint: string;
}
export interface Timing {
    readonly delay: Milliseconds;
    /** 0: before all others. */
    readonly priority: number;
    /** null: as often as any. */
    readonly attempts: number | null;
}
export interface Added {
    readonly id: string;
    /** It is an earlier request's. */
    readonly isKnown: boolean;
}
export declare class JobStore {
    #private;
    readonly depth: DepthWatch;
    readonly deadLetters: DeadLetters;
    readonly bodies: Bodies;
    constructor(backend: Backend, options: JobStoreOptions, deps: JobStoreDeps);
    /** For what is asked from now on. */
    reload(limits: JobStoreLimits): void;
    start(): Promise<void>;
    /**
     * Resolves when the job is kept, as surely as the backend keeps anything.
     * @param jobId random, 32 hexadecimal digits
     * @param timing when it may be done, and how often it is tried
     * @param idempotency a request with the key of an earlier one is that one
     * @returns the job's id, and whether it is an earlier one's
     * @throws OutriggerError `backend-away`: it may be kept all the same. `key-reused`: the earlier one was another request
     */
    add(jobId: string, request: StoredRequest, timing: Timing, idempotency: Idempotency | null): Promise<Added>;
    /**
     * Keeps a job of a schedule, unless the last one has not ended.
     * @returns false: it has not
     * @throws OutriggerError `backend-away`: it may be kept all the same
     */
    addScheduled(schedule: string, jobId: string, request: StoredRequest, timing: Timing): Promise<boolean>;
    /** null: there is none of that id, or none any more. @throws OutriggerError `backend-away` */
    find(id: string): Promise<Standing | null>;
    has(id: string): Promise<boolean>;
    /** No worker takes a job for so long, wherever; what runs goes on. */
    pause(span: Milliseconds): Promise<void>;
    /**
     * Takes it out of the queue; a running one is asked to end, and fails as `cancelled`.
     * @returns what became of it; `ended`: it had ended before; null: there is none of that id
     * @throws OutriggerError `backend-away`
     */
    cancel(id: string): Promise<"removed" | "asked" | "ended" | null>;
    /** @param horizon a job that is due within it is waited for */
    emptied(horizon: () => Milliseconds, signal: AbortSignal): Promise<void>;
    stop(): void;
}
//# sourceMappingURL=job-store.d.ts.map