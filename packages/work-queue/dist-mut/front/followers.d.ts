/**
 * Callers that follow a job (`GET /jobs/{id}/events`, text/event-stream of the HTML standard, section 9.2): each state once, as it
 * comes, until the job has ended. A state that was over by the time of the look is not told.
 */
import { type Clock } from "@outrigger/core";
import type { ServedRequest } from "@outrigger/proxy";
import { type Standing } from "../job/standing.ts";
import type { JobWatches } from "./job-watches.ts";
export interface FollowersDeps {
    readonly clock: Clock;
    readonly watches: JobWatches;
    find(id: string): Promise<Standing | null>;
}
export declare class Followers {
    #private;
    constructor(deps: FollowersDeps);
    get count(): number;
    /**
     * Tells it all of the job, from `first` on; resolves when the job has ended, the caller has left, or all were let go.
     * @param describe what is told of a standing
     * @throws OutriggerError `too-many-followers`, before anything is answered
     */
    follow(request: ServedRequest, first: Standing, describe: (standing: Standing) => object): Promise<void>;
}
//# sourceMappingURL=followers.d.ts.map