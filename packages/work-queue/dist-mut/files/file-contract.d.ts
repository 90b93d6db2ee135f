/**
 * A workload that reads files: a program in a loop that takes its input from in/ and puts what it has made of it into out/, or
 * what went wrong into failed/, before it takes the input away. No more is asked of it.
 *
 * What is seen in the folders is all that is known of a job, so that a worker that ends at any point is followed by one that
 * goes on from there:
 *   in/NAME            the program has it, or will have it
 *   in/.NAME.part      it has it not, or not any more: what out/ and failed/ have of the job is not to be trusted
 *   neither, out/ID    done
 *   neither, failed/ID failed
 */
import { type Clock, type Logger } from "@outrigger/core";
import type { Bodies } from "../blobs/bodies.ts";
import type { Answer } from "../job/answer.ts";
import type { Attempt, Contract } from "../worker/contract.ts";
import type { JobFiles } from "./job-files.ts";
export interface FileContractDeps {
    readonly clock: Clock;
    readonly log: Logger;
    readonly bodies: Bodies;
    /** A job that waits or runs, here or elsewhere. @throws where nobody can tell */
    isUnfinished(id: string): Promise<boolean>;
}
export declare class FileContract implements Contract {
    #private;
    constructor(files: JobFiles, deps: FileContractDeps);
    look(): Promise<string | null>;
    attempt(attempt: Attempt, signal: AbortSignal): Promise<Answer>;
    ended(id: string): void;
    end(): Promise<void>;
}
//# sourceMappingURL=file-contract.d.ts.map