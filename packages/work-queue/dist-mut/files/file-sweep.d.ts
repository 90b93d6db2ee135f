/** Removes files of jobs that have ended: elsewhere, or while the program went on with one that was cancelled. */
import type { Clock, Logger } from "@outrigger/core";
import type { JobFiles } from "./job-files.ts";
export interface FileSweepDeps {
    readonly clock: Clock;
    readonly log: Logger;
    isUnfinished(id: string): Promise<boolean>;
    /** An attempt of it is under way here. */
    isCurrent(id: string): boolean;
}
export declare class FileSweep {
    #private;
    constructor(files: JobFiles, deps: FileSweepDeps);
    /** At once, and then each minute. */
    start(): void;
    stop(): void;
}
//# sourceMappingURL=file-sweep.d.ts.map