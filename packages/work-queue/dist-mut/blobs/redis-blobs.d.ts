/** Blobs in Redis: a hash of numbered parts each; a sorted set of when each was last written to; a hash of their sizes. */
import type { Redis } from "ioredis";
import type { Bytes, Clock, Milliseconds } from "@outrigger/core";
import { type BlobId, type BlobStore } from "./blob-store.ts";
export declare class RedisBlobs implements BlobStore {
    #private;
    constructor(redis: Redis, queue: string, clock: Clock);
    write(id: BlobId, pieces: AsyncIterable<Buffer>): Promise<void>;
    read(id: BlobId): AsyncGenerator<Buffer, void, undefined>;
    remove(id: BlobId): Promise<void>;
    bytes(): Promise<Bytes>;
    untouched(span: Milliseconds): AsyncGenerator<BlobId, void, undefined>;
}
//# sourceMappingURL=redis-blobs.d.ts.map