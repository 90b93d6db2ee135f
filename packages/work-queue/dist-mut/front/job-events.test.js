/** GET /jobs/{id}/events on a real front: what a caller, and a browser, is told. */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { eventually, noPostgresServer, noRedisServer, PostgresServer, RedisServer, } from "@outrigger/core/testing";
import { Workload } from "../testing/workload.js";
import { createWorkQueue } from "../work-queue.js";
const scratch = mkdtempSync(join(tmpdir(), "outrigger-job-events-"));
const redis = noRedisServer ? null : await RedisServer.start(["--appendonly", "yes"]);
const postgres = noPostgresServer ? null : await PostgresServer.start();
const workload = await Workload.start();
const opened = [];
after(async () => {
    for (const one of opened)
        await one.stop();
    await workload.end();
    await redis?.end();
    await postgres?.end();
    rmSync(scratch, { recursive: true, force: true });
});
async function open(backend) {
    const queue = createWorkQueue({
        ...{ backend, workload: workload.url, listen: "127.0.0.1:0" },
        ...{ attempts: 2, backoff: "1ms", concurrency: 1 },
    });
    opened.push(queue);
    await queue.start();
    return { queue, url: `http://${queue.listeners.find(({ name }) => name === "front")?.addresses?.[0]}` };
}
/** A database in a folder has its turns of seconds on a busy machine. */
async function patiently(holds) {
    for (const end = Date.now() + 40_000; !holds(); await new Promise((resolve) => setImmediate(resolve)))
        if (Date.now() > end)
            assert.fail("it did not come true");
}
const add = async (url) => {
    const response = await fetch(url, { method: "POST", body: "x" });
    return (await response.json()).location;
};
/** What a stream has said; `told` grows as it does. */
function follow(url, headers = {}) {
    const limit = new AbortController();
    const told = [];
    let text = "";
    const ended = (async () => {
        const response = await fetch(`${url}/events`, { headers, signal: limit.signal });
        assert.equal(response.headers.get("content-type"), "text/event-stream");
        for await (const piece of response.body ?? []) {
            text += Buffer.from(piece).toString();
            told.splice(0, told.length, ...[...text.matchAll(/^event: (.*)$/gm)].map(([, name]) => name));
        }
        return { status: response.status, text };
    })();
    return { told, ended, leave: () => limit.abort() };
}
for (const [kind, skip, backend] of [
    ["redis", noRedisServer, redis?.url],
    ["postgres", noPostgresServer, postgres?.url],
])
    test(`a job's states are told as they come, to its end (${kind})`, { skip }, async () => {
        const { url } = await open(backend);
        let finish = () => { };
        workload.behave = (_seen, response) => void (finish = () => response.end("ok"));
        const first = await add(url);
        await patiently(() => workload.seen.length > 0);
        const second = await add(url);
        const followed = follow(url + second);
        await patiently(() => followed.told.join() === "waiting");
        workload.seen.length = 0;
        finish();
        await patiently(() => followed.told.join() === "waiting,running");
        await patiently(() => workload.seen.length > 0);
        finish();
        const { status, text } = await followed.ended;
        assert.equal(status, 200);
        assert.deepEqual(followed.told, ["waiting", "running", "done"]);
        const last = JSON.parse(/^data: (.*)$/m.exec(text.slice(text.indexOf("event: done")))?.[1] ?? "");
        assert.deepEqual(last, {
            id: second.slice("/jobs/".length),
            ...{ state: "done", attempts: 1, status: 200, result: `${second}/result` },
        });
        // Of one that is over, too; and a browser that asks again is told that there is no more.
        assert.deepEqual([(await follow(url + first).ended).text.match(/^event: .*$/gm)], [["event: done"]]);
        assert.equal((await follow(url + first, { "last-event-id": "done" }).ended).status, 204);
        assert.equal((await follow(url + first, { "last-event-id": "failed" }).ended).status, 200);
        workload.seen.length = 0;
    });
test("who is unknown is 404, who would change something 405; and HEAD ends", async () => {
    const { url } = await open(`embedded:${join(scratch, "other")}`);
    workload.behave = (_seen, response) => response.writeHead(404).end();
    assert.equal((await fetch(`${url}/jobs/${"0".repeat(32)}/events`)).status, 404);
    let job = "";
    for (let jobs = 0; jobs < 10; jobs++) {
        job = await add(url);
        assert.match((await follow(url + job).ended).text, /"status":404,.*"reason":"refused"/);
    }
    assert.equal((await fetch(`${url}${job}/events`, { method: "DELETE" })).status, 405);
    assert.equal((await fetch(`${url}${job}/events`, { method: "HEAD" })).status, 200);
});
test("a drain ends whoever follows, and a caller that leaves is forgotten", { skip: noRedisServer }, async () => {
    const { queue, url } = await open(redis?.url);
    workload.behave = () => { };
    const job = await add(url);
    const [gone, follows] = [follow(url + job), follow(url + job)];
    const front = queue.listeners.find(({ name }) => name === "front");
    await eventually("both are told", () => gone.told.length > 0 && follows.told.length > 0);
    gone.leave();
    await assert.rejects(gone.ended);
    await eventually("it is forgotten", () => front?.inFlight() === 1);
    assert.equal(await front?.drain(new AbortController().signal), 0);
    assert.equal((await follows.ended).status, 200);
});
//# sourceMappingURL=job-events.test.js.map