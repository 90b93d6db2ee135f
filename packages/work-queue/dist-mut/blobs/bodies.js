import { Readable } from "node:stream";
import { isBlob, readBody, storeBody } from "../job/body.js";
import { INLINE_BYTES } from "./blob-store.js";
export class Bodies {
    blobs;
    constructor(blobs) {
        this.blobs = blobs;
    }
    /**
     * @param id should it become a blob
     * @throws OutriggerError `blob-not-kept`, `tooLarge()`; and whatever `pieces` throws: nothing of it stays then
     */
    async keep(id, pieces, options) {
        const { max, tooLarge, digest } = options;
        const source = pieces[Symbol.asyncIterator]();
        let bytes = 0;
        const next = async () => {
            const { value, done } = await source.next();
            if (done === true)
                return null;
            bytes += value.length;
            if (bytes > max)
                throw tooLarge();
            digest?.update(value);
            return value;
        };
        try {
            const held = [];
            while (bytes <= INLINE_BYTES) {
                const piece = await next();
                if (piece === null)
                    return storeBody(Buffer.concat(held));
                held.push(piece);
            }
            await this.blobs.write(id, rest(held, next));
            return { blob: id, bytes };
        }
        finally {
            // Whoever sends the rest of it is told that nobody reads.
            await source.return?.();
        }
    }
    /** @throws OutriggerError `no-such-blob` before the first piece, `blob-not-read` */
    read(stored) {
        return isBlob(stored) ? this.blobs.read(stored.blob) : Readable.from([readBody(stored)]);
    }
    /** What is left of it, where that fails, is swept later. */
    async drop(...bodies) {
        for (const stored of bodies)
            if (stored !== undefined && isBlob(stored))
                await this.blobs.remove(stored.blob).catch(() => { });
    }
}
async function* rest(held, next) {
    yield* held.splice(0);
    for (let piece = await next(); piece !== null; piece = await next())
        yield piece;
}
//# sourceMappingURL=bodies.js.map