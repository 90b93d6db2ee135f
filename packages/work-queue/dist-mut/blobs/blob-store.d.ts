/** Bodies that are too large to travel with their job: written and read in pieces, never whole in memory. */
import { OutriggerError, type Bytes, type Milliseconds } from "@outrigger/core";
/** Of the job that it belongs to, and whatever follows a dash. */
export type BlobId = string;
export interface BlobStore {
    /**
     * Resolves when it is kept as surely as a job is. Where `pieces` throws nothing of it stays; where the store does, what
     * does is swept.
     * @throws OutriggerError `blob-not-kept`, and whatever `pieces` throws
     */
    write(id: BlobId, pieces: AsyncIterable<Buffer>): Promise<void>;
    /** In order. @throws OutriggerError `no-such-blob` before the first piece, `blob-not-read` */
    read(id: BlobId): AsyncIterable<Buffer>;
    /** No error where there is none. */
    remove(id: BlobId): Promise<void>;
    /** Of all of them, of this queue. */
    bytes(): Promise<Bytes>;
    /** Those that nobody has written to for so long. */
    untouched(span: Milliseconds): AsyncIterable<BlobId>;
}
/** The largest body that travels with its job. */
export declare const INLINE_BYTES: Bytes;
export declare const jobOf: (id: BlobId) => string;
/** A step of keeping one. What its pieces threw is told as it is: it is their reader's to tell. */
export declare const keeping: <Value>(step: Promise<Value>) => Promise<Value>;
export declare const noSuchBlob: (id: BlobId) => OutriggerError;
export declare const notRead: (thrown: unknown) => OutriggerError;
/**
 * What was written of it goes first; but a store that failed would keep whoever waits for as long again.
 * @throws what was thrown
 */
export declare function undone(thrown: unknown, removal: Promise<void>): Promise<never>;
//# sourceMappingURL=blob-store.d.ts.map