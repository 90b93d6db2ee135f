/** Removes blobs whose job is gone: its answer was kept long enough, or whoever wrote the blob ended before the job was there. */
import type { Clock, Logger } from "@outrigger/core";
import { type BlobStore } from "./blob-store.ts";
export interface BlobSweepDeps {
    readonly blobs: BlobStore;
    readonly clock: Clock;
    readonly log: Logger;
    hasJob(id: string): Promise<boolean>;
}
export declare class BlobSweep {
    #private;
    constructor(deps: BlobSweepDeps);
    start(): void;
    stop(): void;
}
//# sourceMappingURL=blob-sweep.d.ts.map