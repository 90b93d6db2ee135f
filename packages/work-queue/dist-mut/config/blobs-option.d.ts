/** Where large bodies are kept, as a configuration names it. */
import * as z from "zod";
export type BlobsAddress = {
    readonly kind: "backend";
} | {
    readonly kind: "folder";
    readonly folder: string;
};
export declare const blobsOption: z.ZodCodec<z.ZodString, z.ZodCustom<BlobsAddress, BlobsAddress>>;
//# sourceMappingURL=blobs-option.d.ts.map