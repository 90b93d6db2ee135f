/** The dead-letter queue, as the control server has it, on a real queue. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { noRedisServer, RedisServer } from "@outrigger/core/testing";
import { UnrecoverableError } from "bullmq";
import { systemClock } from "@outrigger/core";
import { Bodies } from "../blobs/bodies.js";
import { openBackend } from "../backend/open-backend.js";
import { formatFailure } from "../job/failure.js";
import { DeadLetters } from "./dead-letters.js";
import { deadLetterRoutes } from "./routes.js";
const skip = noRedisServer;
let redis;
let backend;
let queue;
let bodies;
let worker;
let letters = null;
/** Jobs fail for the reason that is their target. */
let heal = false;
before(async () => {
    if (skip)
        return;
    redis = await RedisServer.start(["--appendonly", "yes"]);
    backend = await openBackend({ backend: { kind: "redis", url: redis.url } });
    queue = backend.openQueue("q");
    bodies = new Bodies(await backend.openBlobs("q", systemClock));
    worker = backend.openWorker("q", async (job) => {
        if (heal)
            return { status: 200, fields: [], body: "" };
        const reason = job.data.target.slice(1);
        const answer = { status: 422, fields: [], body: "no" };
        throw new UnrecoverableError(formatFailure({ reason, message: "it failed", answer }));
    }, { concurrency: 10 });
});
after(async () => {
    if (skip)
        return;
    await worker.close();
    await queue.close();
    await backend.close();
    await redis.end();
});
const routes = deadLetterRoutes(() => letters);
const call = async (method, path) => {
    const [name, query] = path.split("?");
    const route = routes.find((one) => one.method === method && one.path === name);
    return route.handle({
        path: name,
        query: new URLSearchParams(query),
        body: "",
        signal: new AbortController().signal,
    });
};
const json = async (method, path) => {
    const reply = await call(method, path);
    assert.ok("json" in reply, JSON.stringify(reply));
    return reply.json;
};
async function fail(ids, reason) {
    for (const jobId of ids)
        await queue.add("http", { method: "PUT", target: `/${reason}`, fields: [["a", "b"]], body: "x" }, { jobId, attempts: 3, stackTraceLimit: 0 });
    for (const id of ids)
        while ((await queue.getJobState(id)) !== "failed")
            ;
}
test("they are listed, shown, tried again and purged, one, by reason, or all", { skip }, async () => {
    assert.deepEqual(await call("GET", "/dead-letters"), { status: 503, text: "the queue is not open yet\n" });
    letters = new DeadLetters(queue, bodies);
    assert.deepEqual(await json("GET", "/dead-letters"), []);
    const many = Array.from({ length: 230 }, (_, index) => `r${index}`);
    await fail(many, "refused");
    await fail(["a1", "a2"], "attempts");
    assert.equal((await json("GET", "/dead-letters")).length, 100);
    assert.equal((await json("GET", "/dead-letters?count=1000")).length, 232);
    assert.deepEqual((await json("GET", "/dead-letters?count=1")).map(({ id }) => id), ["a2"]);
    assert.deepEqual((await json("GET", "/dead-letters?reason=attempts")).map(({ id, reason }) => [id, reason]), [
        ["a2", "attempts"],
        ["a1", "attempts"],
    ]);
    const shown = await json("GET", "/dead-letters?id=a1");
    assert.match(shown["failedAt"], /^20\d\d-.*Z$/);
    assert.deepEqual({ ...shown, failedAt: "" }, {
        id: "a1",
        method: "PUT",
        target: "/attempts",
        reason: "attempts",
        message: "it failed",
        attempts: 1,
        failedAt: "",
        request: { method: "PUT", target: "/attempts", fields: [["a", "b"]], body: "x" },
        answer: { status: 422, fields: [], body: "no" },
    });
    assert.equal((await call("GET", "/dead-letters?id=nobody")).status, 404);
    heal = true;
    assert.deepEqual(await json("POST", "/dead-letters/replay?id=a1"), { replayed: 1 });
    while ((await queue.getJobState("a1")) !== "completed")
        ;
    assert.deepEqual(await json("POST", "/dead-letters/replay?id=a1"), { replayed: 0 });
    assert.deepEqual(await json("POST", "/dead-letters/replay?reason=refused"), { replayed: 230 });
    for (const id of many)
        while ((await queue.getJobState(id)) !== "completed")
            ;
    assert.deepEqual((await json("GET", "/dead-letters")).map(({ id }) => id), ["a2"]);
    heal = false;
    await fail(["b1", "b2"], "refused");
    assert.deepEqual(await json("POST", "/dead-letters/purge?id=b1"), { purged: 1 });
    assert.equal(await queue.getJob("b1"), undefined);
    assert.deepEqual(await json("POST", "/dead-letters/purge?all=true"), { purged: 2 });
    assert.deepEqual(await json("GET", "/dead-letters"), []);
});
test("one that is tried again has all attempts before it", { skip }, async () => {
    letters = new DeadLetters(queue, bodies);
    await fail(["c1"], "refused");
    assert.deepEqual(await json("POST", "/dead-letters/replay?id=c1"), { replayed: 1 });
    while ((await queue.getJobState("c1")) !== "failed")
        ;
    assert.equal((await queue.getJob("c1"))?.attemptsStarted, 1);
    assert.equal(await letters.purge("all"), 1);
});
test("one that somebody else has tried again meanwhile is not purged", { skip }, async () => {
    await fail(["e1"], "refused");
    heal = true;
    const slow = new Proxy(queue, {
        get(target, name) {
            if (name !== "getJobs")
                return Reflect.get(target, name, target);
            return async (...asked) => {
                const jobs = await target.getJobs(...asked);
                await new DeadLetters(queue, bodies).replay("all");
                while ((await queue.getJobState("e1")) !== "completed")
                    ;
                return jobs;
            };
        },
    });
    assert.equal(await new DeadLetters(slow, bodies).purge("all"), 0);
    assert.equal(await queue.getJobState("e1"), "completed");
    heal = false;
});
test("what is not said, or said twice, is refused, and nothing is done", { skip }, async () => {
    letters = new DeadLetters(queue, bodies);
    await fail(["d1"], "refused");
    for (const [method, path, why] of [
        ["POST", "/dead-letters/purge", /say which/],
        ["POST", "/dead-letters/replay", /say which/],
        ["POST", "/dead-letters/purge?all=false", /accepted: true/],
        ["POST", "/dead-letters/purge?all=true&id=d1", /exclude each other/],
        [
            "GET",
            "/dead-letters?reason=bad",
            /accepted: refused, answer, attempts, deadline, stalled, cancelled, unreadable/,
        ],
        ["GET", "/dead-letters?count=0", /from 1 to 1000/],
        ["GET", "/dead-letters?count=x", /from 1 to 1000/],
    ]) {
        const reply = await call(method, path);
        assert.equal(reply.status, 400, path);
        assert.match("text" in reply ? reply.text : "", why);
    }
    assert.equal((await letters.list("all", 10)).length, 1);
    await letters.purge("all");
});
//# sourceMappingURL=dead-letters.test.js.map