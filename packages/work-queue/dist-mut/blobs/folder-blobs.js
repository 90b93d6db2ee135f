import { mkdir, open, opendir, rename, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { OutriggerError } from "@outrigger/core";
import { keeping, noSuchBlob, notRead } from "./blob-store.js";
const READ_BYTES = 64 * 1024;
/** Of a file that is being written. */
const PART = ".part";
const NAME = /^[0-9a-f][0-9a-f-]*$/;
export class FolderBlobs {
    #folder;
    #clock;
    constructor(folder, clock) {
        this.#folder = folder;
        this.#clock = clock;
    }
    /** @throws OutriggerError `folder-unusable` */
    static async open(folder, clock) {
        try {
            await mkdir(folder, { recursive: true, mode: 0o770 });
            await (await open(join(folder, ".writable"), "w")).close();
        }
        catch (thrown) {
            throw new OutriggerError("folder-unusable", `no blobs can be kept in ${folder}: ${thrown.message}`, { cause: thrown });
        }
        return new FolderBlobs(folder, clock);
    }
    async write(id, pieces) {
        const part = this.#path(id) + PART;
        const file = await keeping(open(part, "wx"));
        try {
            for await (const piece of pieces)
                await keeping(file.writeFile(piece));
            await keeping(file.sync());
            await keeping(rename(part, this.#path(id)));
            await keeping(this.#syncFolder());
        }
        catch (thrown) {
            await rm(part, { force: true }).catch(() => { });
            throw thrown;
        }
        finally {
            await file.close().catch(() => { });
        }
    }
    async *read(id) {
        let file;
        try {
            file = await open(this.#path(id), "r");
        }
        catch (thrown) {
            throw thrown.code === "ENOENT" ? noSuchBlob(id) : notRead(thrown);
        }
        try {
            for (;;) {
                // Each its own: whoever takes one may hold it until it is sent.
                const read = await file.read(Buffer.allocUnsafe(READ_BYTES), 0, READ_BYTES).catch((thrown) => {
                    throw notRead(thrown);
                });
                if (read.bytesRead === 0)
                    return;
                yield read.buffer.subarray(0, read.bytesRead);
            }
        }
        finally {
            await file.close();
        }
    }
    async remove(id) {
        await rm(this.#path(id), { force: true });
    }
    async bytes() {
        let sum = 0;
        for await (const { name } of await opendir(this.#folder))
            // One that goes meanwhile counts for nothing.
            sum += await stat(join(this.#folder, name)).then(({ size }) => size, () => 0);
        return sum;
    }
    async *untouched(span) {
        const before = this.#clock.wallTime() - span;
        for await (const { name } of await opendir(this.#folder)) {
            const id = name.endsWith(PART) ? name.slice(0, -PART.length) : name;
            if (!NAME.test(id))
                continue;
            let found;
            try {
                found = await stat(join(this.#folder, name));
            }
            catch {
                continue;
            }
            if (found.mtimeMs >= before)
                continue;
            // Whoever wrote it has ended: it is nobody's.
            if (id !== name)
                await rm(join(this.#folder, name), { force: true });
            else
                yield id;
        }
    }
    #path(id) {
        if (!NAME.test(id))
            throw new RangeError(`${JSON.stringify(id)} is no id of a blob`);
        return join(this.#folder, id);
    }
    /** The name, too, is to be there after a power cut. */
    async #syncFolder() {
        const folder = await open(this.#folder, "r");
        try {
            await folder.sync();
        }
        finally {
            await folder.close();
        }
    }
}
//# sourceMappingURL=folder-blobs.js.map