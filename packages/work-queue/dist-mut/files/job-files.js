/** The three folders of a program: in/, from which it takes, out/ and failed/, into which it puts. Each file is named by its job. */
import { constants } from "node:fs";
import { access, chmod, mkdir, open, opendir, rename, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { OutriggerError } from "@outrigger/core";
import { jobOfFile } from "./job-names.js";
const FOLDERS = ["in", "out", "failed"];
const READ_BYTES = 64 * 1024;
/** What a program left may be a pipe, or lead elsewhere. */
const AS_IT_STANDS = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;
const ANEW = constants.O_WRONLY | constants.O_CREAT | constants.O_TRUNC | constants.O_NOFOLLOW;
export class JobFiles {
    folder;
    /** The folder's own: whoever may write there may take a file away. */
    #mode;
    constructor(folder, mode) {
        this.folder = folder;
        this.#mode = mode;
    }
    /** Makes what is not there. @throws OutriggerError `folder-unusable` */
    static async open(folder) {
        try {
            await mkdir(folder, { recursive: true });
            // Without the sticky bit: the program takes away what is ours.
            const mode = (await stat(folder)).mode & 0o2777;
            for (const name of FOLDERS) {
                const path = join(folder, name);
                // As open as the folder that they are in, past this process' umask.
                if ((await mkdir(path, { recursive: true })) !== undefined)
                    await chmod(path, mode);
            }
            const files = new JobFiles(folder, mode);
            await files.usable();
            return files;
        }
        catch (thrown) {
            throw new OutriggerError("folder-unusable", `files:${folder} cannot be used: ${thrown.message}; mount a volume there that this container and the program's may write`, { cause: thrown });
        }
    }
    /** @throws where a folder is not there, or not for us to write */
    async usable() {
        for (const name of FOLDERS)
            await access(join(this.folder, name), constants.R_OK | constants.W_OK | constants.X_OK);
    }
    /** What a folder has of a job, in the order of their names; without ours. */
    async of(folder, job) {
        const names = [];
        for await (const { name } of await opendir(join(this.folder, folder)))
            if (jobOfFile(name) === job && !name.startsWith("."))
                names.push(name);
        return names.sort();
    }
    /** Every job that has a file in one of them. */
    async *jobs() {
        const known = new Set();
        for (const folder of FOLDERS)
            for await (const { name } of await opendir(join(this.folder, folder))) {
                const job = jobOfFile(name);
                if (job === null || known.has(job))
                    continue;
                known.add(job);
                yield job;
            }
    }
    /** Whether it was taken away from the program, or was not whole yet: what out/ and failed/ have of it may not be, either. */
    async isWithdrawn(name) {
        return exists(this.#part(name));
    }
    async isGiven(name) {
        return exists(join(this.folder, "in", name));
    }
    /**
     * The program sees it when it is whole and on the disk, and not before.
     * @throws OutriggerError `input-not-written`: it does not see it; whatever `pieces` throws
     */
    async give(name, pieces) {
        const part = this.#part(name);
        const file = await writing(open(part, ANEW));
        let bytes = 0;
        try {
            try {
                for await (const piece of pieces) {
                    await writing(file.writeFile(piece));
                    bytes += piece.length;
                }
                await writing(file.chmod(this.#mode & 0o666));
                await writing(file.sync());
            }
            catch (thrown) {
                // Its room is for others. Its name stays, as long as the job may be somewhere in the program.
                await file.truncate().catch(() => { });
                throw thrown;
            }
        }
        finally {
            await file.close().catch(() => { });
        }
        await writing(rename(part, join(this.folder, "in", name)));
        return bytes;
    }
    /** The program does not begin it any more. One that has begun goes on with what it has open. */
    async withdraw(name) {
        try {
            await rename(join(this.folder, "in", name), this.#part(name));
        }
        catch (thrown) {
            if (thrown.code === "ENOENT")
                return;
            throw thrown;
        }
        // An empty one in its place, in one step.
        const blank = join(this.folder, "in", `.${name}.blank`);
        await (await open(blank, ANEW)).close();
        await rename(blank, this.#part(name));
    }
    /** What the program has written of a job. */
    async removeResults(job) {
        for (const folder of ["out", "failed"])
            await this.#remove(folder, job);
    }
    /** All that there is of a job. */
    async remove(job) {
        for (const folder of FOLDERS)
            await this.#remove(folder, job);
    }
    /**
     * @param most bytes that are read of it
     * @returns what `use` does; null: it is no regular file
     * @throws what the system says before `use` is called, and what that throws
     */
    async read(folder, name, most, use) {
        let file;
        try {
            file = await open(join(this.folder, folder, name), AS_IT_STANDS);
        }
        catch (thrown) {
            // A link, or a socket.
            if (["ELOOP", "ENXIO"].includes(thrown.code ?? ""))
                return null;
            throw thrown;
        }
        try {
            return (await file.stat()).isFile() ? await use(piecesOf(file, most)) : null;
        }
        finally {
            await file.close();
        }
    }
    async #remove(folder, job) {
        const path = join(this.folder, folder);
        for await (const { name } of await opendir(path))
            if (jobOfFile(name) === job)
                await rm(join(path, name), { recursive: true, force: true });
    }
    #part(name) {
        return join(this.folder, "in", `.${name}.part`);
    }
}
async function* piecesOf(file, most) {
    for (let left = most; left > 0;) {
        // Each its own: whoever takes one may hold it until it is written.
        const size = Math.min(READ_BYTES, left);
        const { buffer, bytesRead } = await file.read(Buffer.allocUnsafe(size), 0, size);
        if (bytesRead === 0)
            return;
        left -= bytesRead;
        yield buffer.subarray(0, bytesRead);
    }
}
async function exists(path) {
    try {
        await access(path);
        return true;
    }
    catch (thrown) {
        if (thrown.code === "ENOENT")
            return false;
        throw thrown;
    }
}
const writing = (step) => step.catch((thrown) => {
    throw new OutriggerError("input-not-written", `the program's input could not be written: ${thrown.message}`, { cause: thrown });
});
//# sourceMappingURL=job-files.js.map