/** Callers that wait for their jobs. */
import type { Clock, Milliseconds } from "@outrigger/core";
import { type Standing } from "../job/standing.ts";
import type { JobWatches } from "./job-watches.ts";
export interface WaitsDeps {
    readonly clock: Clock;
    readonly watches: JobWatches;
    find(id: string): Promise<Standing | null>;
}
export declare class Waits {
    #private;
    constructor(deps: WaitsDeps);
    /** Callers that wait now. */
    get count(): number;
    /**
     * How it ended; null: it has not, in that time, or the caller has left, or all were let go: its job is kept.
     * @throws OutriggerError `backend-away`
     */
    ended(id: string, span: Milliseconds, caller: {
        onLeft(listener: () => void): void;
    }): Promise<Standing | null>;
}
//# sourceMappingURL=waits.d.ts.map