/** Bodies above 64 KiB, through the whole of it. */
import assert from "node:assert/strict";
import { randomBytes, randomUUID } from "node:crypto";
import { mkdirSync, mkdtempSync, readdirSync, renameSync, rmdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { after, test } from "node:test";
import { silentLogger } from "@outrigger/core";
import { eventually, freePort, noRedisServer, RedisServer } from "@outrigger/core/testing";
import { ask, openedQueue, outcome, told } from "./testing/opened-queue.js";
import { Workload } from "./testing/workload.js";
const scratch = mkdtempSync(join(tmpdir(), "outrigger-large-bodies-"));
const workload = await Workload.start();
after(async () => {
    await workload.end();
    rmSync(scratch, { recursive: true, force: true });
});
function* cutInto(bytes, size) {
    for (let at = 0; at < bytes.length; at += size)
        yield bytes.subarray(at, at + size);
}
for (const [kind, start, skip] of [
    ["a folder", null, false],
    ["Redis", () => RedisServer.start(["--appendonly", "yes"]), noRedisServer],
])
    test(`large bodies go through a blob in ${kind}, both ways`, { skip }, async () => {
        const server = await start?.();
        const folder = mkdtempSync(join(scratch, "large-"));
        const large = await openedQueue({
            workload: workload.url,
            backend: server?.url ?? `embedded:${folder}`,
            maxBody: "8MiB",
            maxAnswer: "8MiB",
        });
        const [up, down] = [randomBytes(5_000_000), randomBytes(3_000_000)];
        workload.behave = (_seen, response) => response.writeHead(201, { "x-a": "b" }).end(down);
        const chunked = { body: Readable.toWeb(Readable.from(cutInto(up, 70_000))), duplex: "half" };
        for (const init of [{ body: up }, chunked]) {
            workload.seen.length = 0;
            const headers = { prefer: "wait=30", "idempotency-key": randomUUID() };
            const answer = await ask(large, "/up", { ...init, method: "POST", headers });
            assert.deepEqual([answer.status, answer.headers.get("x-a")], [201, "b"]);
            assert.deepEqual(Buffer.from(await answer.arrayBuffer()), down);
            assert.deepEqual(workload.seen.map(({ body }) => body.equals(up)), [true]);
            assert.equal(workload.seen[0]?.headers["content-length"], String(up.length));
            // The same bytes under the same key: its blob is dropped.
            const same = await ask(large, "/up", { body: up, method: "POST", headers });
            assert.equal(same.headers.get("outrigger-job"), answer.headers.get("outrigger-job"));
            await same.arrayBuffer();
            const other = { body: randomBytes(5_000_000), method: "POST", headers };
            assert.equal((await ask(large, "/up", other)).status, 422);
            assert.equal(workload.seen.length, 1);
        }
        // Those of requests that are done go; answers stay to be asked for.
        if (server === undefined)
            await eventually("they are gone", () => readdirSync(join(folder, "blobs", "requests")).every((name) => /[.-]/.test(name)));
        // One whose answer is too large has been done, and is not done again.
        workload.seen.length = 0;
        workload.behave = (_seen, response) => response.end(Buffer.alloc(9_000_000));
        const unkept = await ask(large, "/", { headers: { prefer: "wait=30" } });
        const failed = await outcome(large, (await told(unkept)).id);
        assert.deepEqual([failed.state, failed.reason, workload.seen.length], ["failed", "answer", 1]);
        const tooLarge = { method: "POST", body: Buffer.alloc(9_000_000) };
        assert.equal((await ask(large, "/up", tooLarge).catch(() => null))?.status ?? 413, 413);
        // What waits, and is cancelled.
        workload.behave = () => { };
        const running = await told(await ask(large, "/up", { method: "POST", body: up }));
        assert.equal((await ask(large, running.location, { method: "DELETE" })).status, 202);
        if (server !== undefined) {
            // A silent backend is away for these, too; what it has of them is not counted against the job.
            const quick = await openedQueue({
                backend: server.url,
                workload: workload.url,
                queue: "quick",
                storeTimeout: "300ms",
            });
            server.kill("SIGSTOP");
            assert.equal((await ask(quick, "/up", { method: "POST", body: up })).status, 503);
            server.kill("SIGCONT");
            await quick.stop();
        }
        await large.stop();
        await server?.end();
    });
test("a body that cannot be read now is waited for, and is no attempt", async () => {
    const folder = mkdtempSync(join(scratch, "unread-"));
    const said = [];
    const log = { ...silentLogger, warn: (_fields, message) => void said.push(message) };
    const port = await freePort();
    const url = `http://127.0.0.1:${port}`;
    const queue = await openedQueue({ workload: url, backend: `embedded:${folder}`, attempts: 1 }, { log });
    let back = null;
    try {
        const body = randomBytes(100_000);
        const { id } = await told(await ask(queue, "/up", { method: "POST", body }));
        const blob = join(folder, "blobs", "requests", id);
        renameSync(blob, `${blob}-away`);
        mkdirSync(blob);
        back = await Workload.start(port);
        await eventually("it was tried", () => said.some((message) => message.includes("could not be given")));
        rmdirSync(blob);
        renameSync(`${blob}-away`, blob);
        assert.deepEqual((await outcome(queue, id)).state, "done");
        assert.deepEqual(back.seen.map((seen) => seen.body.equals(body)), [true]);
    }
    finally {
        await queue.stop();
        await back?.end();
    }
});
//# sourceMappingURL=large-bodies.test.js.map