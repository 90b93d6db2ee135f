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
export const INLINE_BYTES: Bytes = 64 * 1024;

export const jobOf = (id: BlobId): string => id.split("-", 1)[0] as string;

/** A step of keeping one. What its pieces threw is told as it is: it is their reader's to tell. */
export const keeping = <Value>(step: Promise<Value>): Promise<Value> =>
  step.catch((thrown: unknown) => {
    throw new OutriggerError("blob-not-kept", `the body could not be kept: ${(thrown as Error).message}`, {
      cause: thrown,
    });
  });

export const noSuchBlob = (id: BlobId): OutriggerError =>
  new OutriggerError("no-such-blob", `the body ${id} is not there any more`);

export const notRead = (thrown: unknown): OutriggerError =>
  new OutriggerError("blob-not-read", `the body could not be read: ${(thrown as Error).message}`, {
    cause: thrown,
  });

/**
 * What was written of it goes first; but a store that failed would keep whoever waits for as long again.
 * @throws what was thrown
 */
export async function undone(thrown: unknown, removal: Promise<void>): Promise<never> {
  const removed = removal.catch(() => {});
  if (OutriggerError.from(thrown).code !== "blob-not-kept") await removed;
  throw thrown;
}
