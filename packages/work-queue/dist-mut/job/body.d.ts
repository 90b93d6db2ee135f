import type { Bytes } from "@outrigger/core";
/** Travels with its job. */
export type InlineBody = string | {
    readonly base64: string;
};
/** Is elsewhere, under this name. */
export interface BlobBody {
    readonly blob: string;
    readonly bytes: Bytes;
}
export type StoredBody = InlineBody | BlobBody;
export declare const isBlob: (stored: StoredBody) => stored is BlobBody;
export declare function storeBody(bytes: Buffer): InlineBody;
export declare function readBody(stored: InlineBody): Buffer;
//# sourceMappingURL=body.d.ts.map