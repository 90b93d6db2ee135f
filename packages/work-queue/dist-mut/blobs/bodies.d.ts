/** Bodies of requests and answers: small ones go with their job, larger ones are blobs. */
import type { Hash } from "node:crypto";
import type { Bytes, OutriggerError } from "@outrigger/core";
import { type StoredBody } from "../job/body.ts";
import { type BlobId, type BlobStore } from "./blob-store.ts";
export interface KeepOptions {
    readonly max: Bytes;
    tooLarge(): OutriggerError;
    /** Is told all of it. */
    readonly digest?: Hash | undefined;
}
export declare class Bodies {
    readonly blobs: BlobStore;
    constructor(blobs: BlobStore);
    /**
     * @param id should it become a blob
     * @throws OutriggerError `blob-not-kept`, `tooLarge()`; and whatever `pieces` throws: nothing of it stays then
     */
    keep(id: BlobId, pieces: AsyncIterable<Buffer>, options: KeepOptions): Promise<StoredBody>;
    /** @throws OutriggerError `no-such-blob` before the first piece, `blob-not-read` */
    read(stored: StoredBody): AsyncIterable<Buffer>;
    /** What is left of it, where that fails, is swept later. */
    drop(...bodies: readonly (StoredBody | undefined)[]): Promise<void>;
}
//# sourceMappingURL=bodies.d.ts.map