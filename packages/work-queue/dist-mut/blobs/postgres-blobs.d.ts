/** Blobs in Postgres: a row for each of their parts. */
import type { Bytes, Clock, Milliseconds } from "@outrigger/core";
import type { Pool } from "pg";
import { type BlobId, type BlobStore } from "./blob-store.ts";
export declare class PostgresBlobs implements BlobStore {
    #private;
    private constructor();
    /**
     * Makes its table where it is not there.
     * @param timeout of each step
     */
    static open(pool: Pool, queue: string, clock: Clock, timeout: Milliseconds): Promise<PostgresBlobs>;
    write(id: BlobId, pieces: AsyncIterable<Buffer>): Promise<void>;
    read(id: BlobId): AsyncGenerator<Buffer, void, undefined>;
    remove(id: BlobId): Promise<void>;
    bytes(): Promise<Bytes>;
    untouched(span: Milliseconds): AsyncGenerator<BlobId, void, undefined>;
}
//# sourceMappingURL=postgres-blobs.d.ts.map