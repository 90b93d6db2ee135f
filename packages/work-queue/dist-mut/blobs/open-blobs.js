/** The blobs that a configuration names; of a folder: the one that all processes of the queue have. */
import { randomBytes } from "node:crypto";
import { link, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { OutriggerError } from "@outrigger/core";
import { FolderBlobs } from "./folder-blobs.js";
/** Its name in each folder: who it is. */
const MARK = "outrigger-blobs";
/** In a queue's folder: of which backend it is. */
const OWNER = ".owner";
/** A job that nobody does: what it holds is there for all processes of the queue, and the first one's stays. */
const KNOWN = "folder";
/** @throws OutriggerError `blobs-not-shared`, `folder-unusable`; as the backend does */
export async function openBlobs({ blobs, queue }, backend, clock) {
    if (blobs.kind === "backend")
        return backend.openBlobs(queue, clock);
    const { folder } = blobs;
    const store = await FolderBlobs.open(join(folder, queue), clock);
    const mark = await markOf(folder, MARK);
    const { known, owner } = await agreed(backend, queue, mark);
    if (known !== mark)
        throw new OutriggerError("blobs-not-shared", `${folder} is not the folder in which the other processes of queue ${queue} keep large bodies: mount the same volume in front and workers (or, where it was moved here for good, write ${known} into ${join(folder, MARK)})`);
    // Another backend's queue of that name would sweep what this one's jobs need.
    if ((await markOf(join(folder, queue), OWNER, owner)) !== owner)
        throw new OutriggerError("blobs-not-shared", `${join(folder, queue)} has the large bodies of another backend's queue ${queue}: give one of them a folder, or a name, of its own (or, where that backend is no more, remove ${join(folder, queue, OWNER)})`);
    return store;
}
/** Of several that come at once the first one's stays. */
async function markOf(folder, name, mark = randomBytes(16).toString("hex")) {
    const path = join(folder, name);
    const own = `${path}.${randomBytes(8).toString("hex")}`;
    try {
        await writeFile(own, mark, { flag: "wx", flush: true });
        await link(own, path).catch((thrown) => {
            if (thrown.code !== "EEXIST")
                throw thrown;
        });
        return (await readFile(path, "utf8")).trim();
    }
    catch (thrown) {
        throw new OutriggerError("folder-unusable", `${folder}: ${thrown.message}`, { cause: thrown });
    }
    finally {
        await rm(own, { force: true });
    }
}
async function agreed(backend, queue, mark) {
    // No queue of a configuration has this name.
    const notes = backend.openQueue(`${queue}+blobs`);
    notes.on("error", () => { });
    await notes.waitUntilReady();
    await notes.add(KNOWN, noteOf(mark), { jobId: KNOWN });
    const note = await notes.getJob(KNOWN);
    if (note === undefined)
        throw new OutriggerError("blobs-not-shared", `the note of queue ${queue} on its folder was taken away`);
    return { known: note.data.target, owner: note.data.body };
}
const noteOf = (mark) => ({
    method: "NOTE",
    target: mark,
    fields: [],
    body: randomBytes(16).toString("hex"),
});
//# sourceMappingURL=open-blobs.js.map