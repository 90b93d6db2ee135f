import type { JobQueue } from "../backend/backend.ts";
import type { Bodies } from "../blobs/bodies.ts";
import type { Answer } from "../job/answer.ts";
import { type FailureReason } from "../job/failure.ts";
import type { StoredRequest } from "../job/stored-request.ts";
export interface DeadLetter {
    readonly id: string;
    readonly method: string;
    readonly target: string;
    readonly reason: FailureReason;
    readonly message: string;
    readonly attempts: number;
    /** ISO 8601. */
    readonly failedAt: string;
}
/** Of all; of one; of those that failed for a reason. */
export type Which = {
    readonly id: string;
} | {
    readonly reason: FailureReason;
} | "all";
export declare class DeadLetters {
    #private;
    constructor(queue: JobQueue, bodies: Bodies);
    /** The latest first. */
    list(which: Which, count: number): Promise<DeadLetter[]>;
    /** With its request and the workload's last answer; null: none has that id. */
    show(id: string): Promise<(DeadLetter & {
        request: StoredRequest;
        answer?: Answer;
    }) | null>;
    /** They wait again, with as many attempts as a new job. @returns how many */
    replay(which: Which): Promise<number>;
    /** They are gone. @returns how many */
    purge(which: Which): Promise<number>;
}
//# sourceMappingURL=dead-letters.d.ts.map