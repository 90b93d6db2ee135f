import { type Bytes, type Clock, type Milliseconds } from "@outrigger/core";
import { type BlobId, type BlobStore } from "./blob-store.ts";
export declare class FolderBlobs implements BlobStore {
    #private;
    private constructor();
    /** @throws OutriggerError `folder-unusable` */
    static open(folder: string, clock: Clock): Promise<FolderBlobs>;
    write(id: BlobId, pieces: AsyncIterable<Buffer>): Promise<void>;
    read(id: BlobId): AsyncGenerator<Buffer, void, undefined>;
    remove(id: BlobId): Promise<void>;
    bytes(): Promise<Bytes>;
    untouched(span: Milliseconds): AsyncGenerator<BlobId, void, undefined>;
}
//# sourceMappingURL=folder-blobs.d.ts.map