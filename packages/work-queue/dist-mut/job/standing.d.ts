/** Where a job stands, as its caller may know it. */
import type { Job } from "bullmq";
import type { Answer } from "./answer.ts";
import { type Failure } from "./failure.ts";
import type { StoredRequest } from "./stored-request.ts";
export type JobState = "waiting" | "running" | "done" | "failed";
export interface Standing {
    readonly id: string;
    readonly state: JobState;
    /** Attempts that have begun. */
    readonly attempts: number;
    readonly answer: Answer | null;
    readonly failure: Failure | null;
}
export declare const isEnd: (state: JobState) => boolean;
/** @param state as BullMQ has it */
export declare function standingOf(job: Job<StoredRequest, Answer>, state: string): Standing;
/** As callers and webhooks are told of it: without the answer's fields and body. */
export interface StandingJson {
    readonly id: string;
    readonly state: JobState;
    readonly attempts: number;
    readonly status?: number;
    /** Where the answer is. */
    readonly result?: string;
    readonly reason?: string;
    readonly message?: string;
}
export declare const standingJson: ({ id, state, attempts, answer, failure }: Standing) => StandingJson;
//# sourceMappingURL=standing.d.ts.map