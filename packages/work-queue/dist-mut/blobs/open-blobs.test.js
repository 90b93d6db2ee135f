/** That front and workers have one folder, on a real queue. */
import assert from "node:assert/strict";
import { cpSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { systemClock } from "@outrigger/core";
import { noRedisServer, RedisServer } from "@outrigger/core/testing";
import { openBackend } from "../backend/open-backend.js";
import { openBlobs } from "./open-blobs.js";
test("a folder that is not that of the queue's other processes is refused", { skip: noRedisServer }, async () => {
    const scratch = mkdtempSync(join(tmpdir(), "outrigger-blobs-"));
    const redis = await RedisServer.start(["--appendonly", "yes"]);
    const backend = await openBackend({ backend: { kind: "redis", url: redis.url } });
    after(async () => {
        await backend.close();
        await redis.end();
        rmSync(scratch, { recursive: true });
    });
    const opened = (name, queue = "q") => openBlobs({ blobs: { kind: "folder", folder: join(scratch, name) }, queue }, backend, systemClock);
    // Several come at once, to one folder.
    await Promise.all(["one", "one", "one", "one"].map((name) => opened(name)));
    const mark = readFileSync(join(scratch, "one", "outrigger-blobs"), "utf8");
    await assert.rejects(opened("two"), (thrown) => {
        assert.equal(thrown.code, "blobs-not-shared");
        assert.match(thrown.message, new RegExp(`mount the same volume .* write ${mark} into `));
        return true;
    });
    await opened("two", "another");
    // Another backend with a queue of the same name.
    const other = await RedisServer.start(["--appendonly", "yes"]);
    const otherBackend = await openBackend({ backend: { kind: "redis", url: other.url } });
    await assert.rejects(openBlobs({ blobs: { kind: "folder", folder: join(scratch, "one") }, queue: "q" }, otherBackend, systemClock), { code: "blobs-not-shared", message: /another backend's queue q: .*remove .*\.owner/ });
    await otherBackend.close();
    await other.end();
    cpSync(join(scratch, "one"), join(scratch, "moved"), { recursive: true });
    await opened("moved");
});
//# sourceMappingURL=open-blobs.test.js.map