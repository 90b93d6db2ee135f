/** Small and large bodies, on a folder. */
import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { OutriggerError, systemClock } from "@outrigger/core";
import { isBlob } from "../job/body.js";
import { collect } from "../testing/collect.js";
import { INLINE_BYTES } from "./blob-store.js";
import { Bodies } from "./bodies.js";
import { FolderBlobs } from "./folder-blobs.js";
const folder = mkdtempSync(join(tmpdir(), "outrigger-bodies-"));
after(() => rmSync(folder, { recursive: true, force: true }));
const bodies = new Bodies(await FolderBlobs.open(folder, systemClock));
const files = () => readdirSync(folder).filter((name) => !name.startsWith("."));
const tooLarge = () => new OutriggerError("too-large", "too large");
async function* cut(bytes, size) {
    for (let at = 0; at < bytes.length; at += size)
        yield bytes.subarray(at, at + size);
}
test("a body goes with its job up to 64 KiB, is a blob beyond, and comes back whole", async () => {
    let id = 0;
    for (const length of [0, 1, INLINE_BYTES, INLINE_BYTES + 1, 1_000_000])
        for (const size of [1_000, 65_536, 2_000_000]) {
            const bytes = randomBytes(length);
            const digest = createHash("sha256");
            const stored = await bodies.keep(`a${id++}`, cut(bytes, size), { max: 1_000_000, tooLarge, digest });
            assert.equal(isBlob(stored), length > INLINE_BYTES);
            if (isBlob(stored))
                assert.equal(stored.bytes, length);
            assert.deepEqual(Buffer.concat(await collect(bodies.read(stored))), bytes);
            assert.equal(digest.digest("hex"), createHash("sha256").update(bytes).digest("hex"));
            await bodies.drop(stored, undefined, "inline");
        }
    assert.deepEqual(files(), []);
});
test("of a body that is too large, or breaks off, nothing stays, and no more of it is asked for", async () => {
    let taken = 0;
    let told = false;
    async function* endless() {
        try {
            for (;;) {
                taken++;
                yield Buffer.alloc(50_000);
            }
        }
        finally {
            told = true;
        }
    }
    await assert.rejects(bodies.keep("b1", endless(), { max: 500_000, tooLarge }), { code: "too-large" });
    assert.deepEqual([taken, told], [11, true]);
    async function* breaking() {
        yield Buffer.alloc(200_000);
        throw new Error("reset");
    }
    await assert.rejects(bodies.keep("b2", breaking(), { max: 500_000, tooLarge }), /reset/);
    assert.deepEqual(files(), []);
});
test("what cannot be written is said so", async () => {
    const gone = join(folder, "gone");
    const blobs = await FolderBlobs.open(gone, systemClock);
    rmSync(gone, { recursive: true });
    await assert.rejects(new Bodies(blobs).keep("c1", cut(randomBytes(100_000), 10_000), { max: 1_000_000, tooLarge }), { code: "blob-not-kept", message: /ENOENT/ });
    await assert.rejects(FolderBlobs.open(join("/dev/null", "x"), systemClock), { code: "folder-unusable" });
});
//# sourceMappingURL=bodies.test.js.map