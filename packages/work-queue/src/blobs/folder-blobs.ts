/** Blobs as files of a folder. One is there under its name when all of it is on the disk, and not before. */
import type { Stats } from "node:fs";
import { mkdir, open, opendir, rename, rm, stat, type FileHandle } from "node:fs/promises";
import { join } from "node:path";
import { OutriggerError, type Bytes, type Clock, type Milliseconds } from "@outrigger/core";
import { keeping, noSuchBlob, notRead, type BlobId, type BlobStore } from "./blob-store.ts";

const READ_BYTES: Bytes = 64 * 1024;
/** Of a file that is being written. */
const PART = ".part";
const NAME = /^[0-9a-f][0-9a-f-]*$/;

export class FolderBlobs implements BlobStore {
  readonly #folder: string;
  readonly #clock: Clock;

  private constructor(folder: string, clock: Clock) {
    this.#folder = folder;
    this.#clock = clock;
  }

  /** @throws OutriggerError `folder-unusable` */
  static async open(folder: string, clock: Clock): Promise<FolderBlobs> {
    try {
      await mkdir(folder, { recursive: true, mode: 0o770 });
      await (await open(join(folder, ".writable"), "w")).close();
    } catch (thrown) {
      throw new OutriggerError(
        "folder-unusable",
        `no blobs can be kept in ${folder}: ${(thrown as Error).message}`,
        { cause: thrown },
      );
    }
    return new FolderBlobs(folder, clock);
  }

  async write(id: BlobId, pieces: AsyncIterable<Buffer>): Promise<void> {
    const part = this.#path(id) + PART;
    const file = await keeping(open(part, "wx"));
    try {
      for await (const piece of pieces) await keeping(file.writeFile(piece));
      await keeping(file.sync());
      await keeping(rename(part, this.#path(id)));
      await keeping(this.#syncFolder());
    } catch (thrown) {
      await rm(part, { force: true }).catch(() => {});
      throw thrown;
    } finally {
      await file.close().catch(() => {});
    }
  }

  async *read(id: BlobId): AsyncGenerator<Buffer, void, undefined> {
    let file: FileHandle;
    try {
      file = await open(this.#path(id), "r");
    } catch (thrown) {
      throw (thrown as NodeJS.ErrnoException).code === "ENOENT" ? noSuchBlob(id) : notRead(thrown);
    }
    try {
      for (;;) {
        // Each its own: whoever takes one may hold it until it is sent.
        const read = await file.read(Buffer.allocUnsafe(READ_BYTES), 0, READ_BYTES).catch((thrown) => {
          throw notRead(thrown);
        });
        if (read.bytesRead === 0) return;
        yield read.buffer.subarray(0, read.bytesRead);
      }
    } finally {
      await file.close();
    }
  }

  async remove(id: BlobId): Promise<void> {
    await rm(this.#path(id), { force: true });
  }

  async bytes(): Promise<Bytes> {
    let sum = 0;
    for await (const { name } of await opendir(this.#folder))
      // One that goes meanwhile counts for nothing.
      sum += await stat(join(this.#folder, name)).then(
        ({ size }) => size,
        () => 0,
      );
    return sum;
  }

  async *untouched(span: Milliseconds): AsyncGenerator<BlobId, void, undefined> {
    const before = this.#clock.wallTime() - span;
    for await (const { name } of await opendir(this.#folder)) {
      const id = name.endsWith(PART) ? name.slice(0, -PART.length) : name;
      if (!NAME.test(id)) continue;
      let found: Stats;
      try {
        found = await stat(join(this.#folder, name));
      } catch {
        continue;
      }
      if (found.mtimeMs >= before) continue;
      // Whoever wrote it has ended: it is nobody's.
      if (id !== name) await rm(join(this.#folder, name), { force: true });
      else yield id;
    }
  }

  #path(id: BlobId): string {
    if (!NAME.test(id)) throw new RangeError(`${JSON.stringify(id)} is no id of a blob`);
    return join(this.#folder, id);
  }

  /** The name, too, is to be there after a power cut. */
  async #syncFolder(): Promise<void> {
    const folder = await open(this.#folder, "r");
    try {
      await folder.sync();
    } finally {
      await folder.close();
    }
  }
}
