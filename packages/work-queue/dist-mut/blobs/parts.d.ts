import type { Bytes } from "@outrigger/core";
/** The same bytes in parts of that size; the last one may be smaller. */
export declare function parts(pieces: AsyncIterable<Buffer>, size: Bytes): AsyncGenerator<Buffer, void, undefined>;
//# sourceMappingURL=parts.d.ts.map