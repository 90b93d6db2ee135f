/** Why a job is in the dead-letter queue: kept as JSON where BullMQ keeps an error's message, so that both are one write. */
import type { Answer } from "./answer.ts";
export declare const FAILURE_REASONS: readonly [
/** The workload answered with a status that is not tried again. */
"refused", 
/** The workload has done it; its answer was too large, or could not be kept. */
"answer", 
/** The last attempt failed, too. */
"attempts", 
/** Its time was up before it was done. */
"deadline", 
/** Workers that had it ended, again and again. */
"stalled", 
/** Its caller did not want it any more. */
"cancelled", 
/** Nobody could read it. */
"unreadable"];
export type FailureReason = (typeof FAILURE_REASONS)[number];
export interface Failure {
    readonly reason: FailureReason;
    /** For people. */
    readonly message: string;
    /** The last one, where there was any. */
    readonly answer?: Answer;
}
export declare const formatFailure: (failure: Failure) => string;
/** @param text what BullMQ keeps, its own words included */
export declare function parseFailure(text: string): Failure;
//# sourceMappingURL=failure.d.ts.map