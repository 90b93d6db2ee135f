/** A Redis whose memory is full (maxmemory, noeviction) while jobs wait and run. */
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { noRedisServer, RedisServer } from "@outrigger/core/testing";
import { Redis } from "ioredis";
import { ask, openedQueue, outcome, told } from "../testing/opened-queue.js";
import { Workload } from "../testing/workload.js";
test("where Redis' memory is full callers are told 503, and a worker begins and ends what was told 202, however long it takes", { skip: noRedisServer }, async () => {
    const ends = [];
    after(async () => {
        for (const end of ends.reverse())
            await end();
    });
    const redis = await RedisServer.start(["--appendonly", "yes", "--maxmemory-policy", "noeviction"]);
    ends.push(() => redis.end());
    const admin = new Redis(redis.url);
    ends.push(() => admin.disconnect());
    const workload = await Workload.start();
    ends.push(() => workload.end());
    const both = { backend: redis.url, workload: workload.url };
    const front = await openedQueue({ ...both, role: "front" });
    ends.push(() => front.stop());
    const post = (path, body) => ask(front, path, { method: "POST", body });
    const ids = [];
    for (const path of ["/slow", "/again", ...Array.from({ length: 10 }, () => "/")])
        ids.push((await told(await post(path, "x".repeat(1_000)))).id);
    let answerSlow = () => assert.fail("it has not come");
    workload.behave = ({ target, headers }, response) => {
        if (target === "/slow")
            answerSlow = () => void response.end();
        // It goes another way: of those that wait for their next attempt.
        else if (target === "/again" && headers["outrigger-attempt"] === "1")
            response.writeHead(500).end();
        else
            response.end("x".repeat(10_000));
    };
    await admin.config("SET", "maxmemory", "1");
    for (const [body, reason] of [
        ["x", "backend-away"],
        ["x".repeat(100_000), "blob-not-kept"],
    ]) {
        const refused = await post("/", body);
        assert.deepEqual([refused.status, refused.headers.get("x-outrigger-reason")], [503, reason]);
        assert.match((await refused.json()).message, /OOM .* 'maxmemory'/);
    }
    const worker = await openedQueue({ ...both, role: "worker", lockDuration: "1s" });
    ends.push(() => worker.stop());
    const [slow, ...others] = ids;
    for (const id of others)
        assert.equal((await outcome(front, id)).state, "done");
    // Its lock is renewed.
    const left = () => admin.pttl(`bull:requests:${slow}:lock`);
    for (let before = Infinity, now = await left(); now <= before; now = await left()) {
        assert.ok(now > 0, "its lock has gone");
        before = now;
    }
    answerSlow();
    assert.equal((await outcome(front, slow)).state, "done");
    assert.equal(workload.seen.length, ids.length + 1);
    await admin.config("SET", "maxmemory", "0");
    assert.equal((await outcome(front, (await told(await post("/", "x"))).id)).state, "done");
});
//# sourceMappingURL=full-memory.test.js.map