/** One process to a folder, whatever became of the one before. */
import assert from "node:assert/strict";
import { fork } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { fileURLToPath } from "node:url";
import { FolderLock } from "./folder-lock.js";
const scratch = mkdtempSync(join(tmpdir(), "outrigger-lock-"));
after(() => rmSync(scratch, { recursive: true, force: true }));
const holder = fileURLToPath(new URL("../../testing/lock-holder.ts", import.meta.url)).replace(/\.ts$/, import.meta.url.endsWith(".js") ? ".js" : ".ts");
let folders = 0;
const fresh = () => join(scratch, `${folders++}`);
const inUse = { code: "folder-in-use" };
test("a second one is told that the folder is in use, until the first gives it back", async () => {
    const folder = fresh();
    const first = await FolderLock.take(folder);
    await assert.rejects(FolderLock.take(folder), inUse);
    await first.release();
    const second = await FolderLock.take(folder);
    await assert.rejects(FolderLock.take(folder), inUse);
    await second.release();
});
test("of many who try at once, one has it, and nothing else is left in the folder", async () => {
    const folder = fresh();
    for (let round = 0; round < 5; round++) {
        const tries = await Promise.allSettled(Array.from({ length: 20 }, () => FolderLock.take(folder)));
        const taken = tries.flatMap((result) => (result.status === "fulfilled" ? [result.value] : []));
        assert.equal(taken.length, 1);
        for (const result of tries)
            if (result.status === "rejected")
                assert.equal(result.reason.code, "folder-in-use");
        assert.equal(readdirSync(folder).length, 1, readdirSync(folder).join());
        await taken[0]?.release();
    }
});
test("a process that was killed holds it no longer", async () => {
    const folder = fresh();
    for (let round = 0; round < 3; round++) {
        const child = fork(holder, [folder]);
        await once(child, "message");
        await assert.rejects(FolderLock.take(folder), inUse);
        child.kill("SIGKILL");
        await once(child, "exit");
    }
    await (await FolderLock.take(folder)).release();
});
test("a process that stands still holds it", async () => {
    const folder = fresh();
    const child = fork(holder, [folder]);
    await once(child, "message");
    child.kill("SIGSTOP");
    await assert.rejects(FolderLock.take(folder), inUse);
    child.kill("SIGKILL");
    await once(child, "exit");
});
test("a folder of a long name is locked, and what is no folder is refused with its name", async () => {
    const long = join(fresh(), "x".repeat(200), "y".repeat(200));
    await (await FolderLock.take(long)).release();
    const file = fresh();
    writeFileSync(file, "");
    await assert.rejects(FolderLock.take(file), { code: "folder-unusable", message: new RegExp(file) });
});
//# sourceMappingURL=folder-lock.test.js.map