/** Bodies of requests and answers: small ones go with their job, larger ones are blobs. */
import type { Hash } from "node:crypto";
import { Readable } from "node:stream";
import type { Bytes, OutriggerError } from "@outrigger/core";
import { isBlob, readBody, storeBody, type StoredBody } from "../job/body.ts";
import { INLINE_BYTES, type BlobId, type BlobStore } from "./blob-store.ts";

export interface KeepOptions {
  readonly max: Bytes;
  tooLarge(): OutriggerError;
  /** Is told all of it. */
  readonly digest?: Hash | undefined;
}

export class Bodies {
  readonly blobs: BlobStore;

  constructor(blobs: BlobStore) {
    this.blobs = blobs;
  }

  /**
   * @param id should it become a blob
   * @throws OutriggerError `blob-not-kept`, `tooLarge()`; and whatever `pieces` throws: nothing of it stays then
   */
  async keep(id: BlobId, pieces: AsyncIterable<Buffer>, options: KeepOptions): Promise<StoredBody> {
    const { max, tooLarge, digest } = options;
    const source = pieces[Symbol.asyncIterator]();
    let bytes = 0;
    const next = async (): Promise<Buffer | null> => {
      const { value, done } = await source.next();
      if (done === true) return null;
      bytes += value.length;
      if (bytes > max) throw tooLarge();
      digest?.update(value);
      return value;
    };
    try {
      const held: Buffer[] = [];
      while (bytes <= INLINE_BYTES) {
        const piece = await next();
        if (piece === null) return storeBody(Buffer.concat(held));
        held.push(piece);
      }
      await this.blobs.write(id, rest(held, next));
      return { blob: id, bytes };
    } finally {
      // Whoever sends the rest of it is told that nobody reads.
      await source.return?.();
    }
  }

  /** @throws OutriggerError `no-such-blob` before the first piece, `blob-not-read` */
  read(stored: StoredBody): AsyncIterable<Buffer> {
    return isBlob(stored) ? this.blobs.read(stored.blob) : Readable.from([readBody(stored)]);
  }

  /** What is left of it, where that fails, is swept later. */
  async drop(...bodies: readonly (StoredBody | undefined)[]): Promise<void> {
    for (const stored of bodies)
      if (stored !== undefined && isBlob(stored)) await this.blobs.remove(stored.blob).catch(() => {});
  }
}

async function* rest(
  held: Buffer[],
  next: () => Promise<Buffer | null>,
): AsyncGenerator<Buffer, void, undefined> {
  yield* held.splice(0);
  for (let piece = await next(); piece !== null; piece = await next()) yield piece;
}
