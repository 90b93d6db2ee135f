import { type Clock } from "@outrigger/core";
import type { Backend } from "../backend/backend.ts";
import type { WorkQueueConfig } from "../config/config.ts";
import type { BlobStore } from "./blob-store.ts";
/** @throws OutriggerError `blobs-not-shared`, `folder-unusable`; as the backend does */
export declare function openBlobs({ blobs, queue }: Pick<WorkQueueConfig, "blobs" | "queue">, backend: Backend, clock: Clock): Promise<BlobStore>;
//# sourceMappingURL=open-blobs.d.ts.map