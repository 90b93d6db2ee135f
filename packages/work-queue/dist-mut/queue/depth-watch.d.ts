/**
 * How many jobs there are in which state, and how old the oldest is. Asked for in the background, so that neither a request nor
 * a scrape waits for the backend: what it says may be a look old.
 */
import type { Bytes, Clock, Metrics, Milliseconds } from "@outrigger/core";
import type { BlobStore } from "../blobs/blob-store.ts";
import type { JobQueue } from "../backend/backend.ts";
export interface Depth {
    /** Ready to be taken. */
    readonly waiting: number;
    /** Waiting for their time: between attempts. */
    readonly delayed: number;
    /** Of these, whose time has come, or does before the next look. Where no worker is, nobody moves them to those that wait. */
    readonly due: number;
    readonly running: number;
    /** Given up. */
    readonly failed: number;
    /** Of those that wait, how long the oldest has been there; 0: there is none. */
    readonly oldest: Milliseconds;
}
export interface DepthWatchDeps {
    readonly queue: JobQueue;
    readonly blobs: BlobStore;
    readonly clock: Clock;
    readonly metrics: Metrics;
    /** Something was looked at, or added. */
    onChange?(): void;
}
export declare class DepthWatch {
    #private;
    constructor(deps: DepthWatchDeps);
    /** Resolves after the first look, whatever came of it. */
    start(): Promise<void>;
    stop(): void;
    /** null: the backend has not said yet. */
    get depth(): Depth | null;
    /** Jobs that are not done: those of the last look, and what this process has added since. */
    get unfinished(): number;
    /**
     * Jobs that a worker would have something to do with now: those that wait, run or are due, and what this process has added
     * since. null: the backend has not said lately.
     */
    get toDo(): number | null;
    /** Of large bodies, all together: at the last look at them, and what this process has added since. */
    get bytes(): Bytes;
    /** @param delay it is not begun before */
    added(delay?: Milliseconds): void;
    addedBytes(bytes: Bytes): void;
}
//# sourceMappingURL=depth-watch.d.ts.map