/**
 * Callers that want to know of a job. An event of the queue wakes them; what they are told is then read from the backend, and it
 * is looked at now and then without one: an event that was missed delays, and loses nothing.
 */
import type { QueueEvents } from "bullmq";
import type { Clock, Milliseconds } from "@outrigger/core";
export interface JobWatchesDeps {
    readonly clock: Clock;
    /** Several events of every job are read from then on: it is called when somebody watches, and once. */
    openEvents(): QueueEvents;
}
export declare class JobWatches {
    #private;
    constructor(deps: JobWatchesDeps);
    /** All are woken, and for whoever comes it is over: another front is to be asked. */
    letGo(): void;
    /** That are watched. */
    get jobs(): number;
    /** Until `end` of it is called. */
    watch(id: string, caller: {
        onLeft(listener: () => void): void;
    }): JobWatch;
}
export declare class JobWatch {
    #private;
    /** No longer watched. */
    readonly end: () => void;
    constructor(clock: Clock, firstLook: Milliseconds, letsGo: () => boolean, end: () => void);
    get hasLeft(): boolean;
    /** Nobody is to be told any longer: the caller has left, or all were let go. */
    get isOver(): boolean;
    wake(): void;
    leave(): void;
    /** To be called before the backend is asked: what changes from then on ends the pause after it. */
    begin(): void;
    /** Until something may have changed since `begin`, at most so long. */
    pause(most: Milliseconds): Promise<void>;
}
//# sourceMappingURL=job-watches.d.ts.map