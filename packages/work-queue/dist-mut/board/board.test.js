/** What the board shows, and that it shows no more and changes nothing. */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { after, test } from "node:test";
import { appRoutes } from "@bull-board/api/dist/routes.js";
import { noPostgresServer, noRedisServer, PostgresServer, RedisServer } from "@outrigger/core/testing";
import { ask, openedQueue, outcome, told } from "../testing/opened-queue.js";
import { Workload } from "../testing/workload.js";
const scratch = mkdtempSync(join(tmpdir(), "outrigger-board-"));
after(() => rmSync(scratch, { recursive: true, force: true }));
const redis = noRedisServer ? null : await RedisServer.start(["--appendonly", "yes"]);
after(() => redis?.end());
const postgres = noPostgresServer ? null : await PostgresServer.start();
after(() => postgres?.end());
const workload = await Workload.start();
after(() => workload.end());
const BACKENDS = [
    ["embedded", `embedded:${scratch}`, false],
    ["redis", redis?.url, noRedisServer],
    ["postgres", postgres?.url, noPostgresServer],
];
const SECRET = "xyzzy-marker";
const text = (reply) => "json" in reply
    ? JSON.stringify(reply.json)
    : "bytes" in reply
        ? reply.bytes.toString()
        : "text" in reply
            ? reply.text
            : assert.fail("a stream");
async function look(queue, path) {
    const [name = "", query] = path.split("?");
    const route = queue.controlRoutes.find((one) => one.isPage === true);
    const reply = (await route?.handle({
        ...{ path: name, query: new URLSearchParams(query), body: "", signal: AbortSignal.timeout(10_000) },
    }));
    return { status: reply.status ?? 200, body: text(reply) };
}
for (const [kind, backend, skip] of BACKENDS)
    test(`shows jobs by state, and nothing that was in them, on ${kind}`, { skip }, async () => {
        const secretFile = join(scratch, `key-${kind}`);
        writeFileSync(secretFile, "a key of webhooks");
        const queue = await openedQueue({
            ...{ backend: backend, workload: workload.url, board: true, attempts: 1 },
            ...{ webhooks: `http://127.0.0.1:9/${SECRET}`, webhookSecretFile: secretFile },
            schedules: [`nightly = 0 3 * * * POST /${SECRET}`],
        });
        try {
            workload.behave = ({ target }, response) => void response
                .writeHead(target.endsWith("bad") ? 400 : target.endsWith("poor") ? 503 : 200, { "x-said": SECRET })
                .end(SECRET);
            const ids = [];
            for (const [end, state] of [
                ["good", "done"],
                ["bad", "failed"],
                ["poor", "failed"],
            ]) {
                const sent = {
                    ...{ method: "POST", body: SECRET },
                    headers: { "x-own": SECRET, "idempotency-key": `${SECRET}${end}` },
                };
                const { id } = await told(await ask(queue, `/${SECRET}/${end}`, sent));
                ids.push(id);
                assert.equal((await outcome(queue, id)).state, state);
            }
            const delayed = await told(await ask(queue, `/${SECRET}`, {
                method: "POST",
                body: SECRET,
                headers: { "outrigger-delay": "1h" },
            }));
            // One look after the other: none is left when the queue is stopped.
            for (const end = Date.now() + 20_000;; await pause(25)) {
                const { body } = await look(queue, "/board/api/job-schedulers");
                if (body.includes('"id":"nightly"'))
                    break;
                assert.ok(Date.now() < end, "the schedule is shown");
            }
            const { body: listed } = await look(queue, "/board/api/queues?activeQueue=requests&jobsPerPage=50");
            const { queues } = JSON.parse(listed);
            const [requests] = queues;
            assert.deepEqual([queues.length, requests?.name, queues.every(({ readOnlyMode }) => readOnlyMode)], [3, "requests", true]);
            assert.deepEqual(["completed", "failed", "delayed"].map((state) => requests?.counts[state]), [1, 2, 1]);
            assert.deepEqual(new Set(requests?.jobs.map(({ id }) => id)), new Set([...ids, delayed.id]));
            assert.deepEqual(new Set(requests?.jobs.map(({ failedReason }) => failedReason)), new Set([undefined, "refused", "attempts"]));
            // Every address that the library reads by, of each of our queues, and of each of their jobs.
            const names = queues.map(({ name }) => encodeURIComponent(name));
            const jobs = [];
            for (const name of names) {
                const { body } = await look(queue, `/board/api/queues?activeQueue=${name}&jobsPerPage=50`);
                assert.ok(!body.includes(SECRET), body);
                for (const job of JSON.parse(body).queues.flatMap(({ jobs: them }) => them))
                    jobs.push([name, encodeURIComponent(job.id)]);
            }
            assert.ok(jobs.length >= 5, "also the schedule's, and words of webhooks");
            let read = 0;
            for (const { method, route } of appRoutes.api) {
                if (method !== "get")
                    continue;
                for (const path of [route].flat())
                    for (const [name, id] of jobs) {
                        const filled = path.replace(":queueName", name).replace(":jobId", id);
                        const { status, body } = await look(queue, `/board${filled}?queueName=${name}`);
                        assert.ok(!body.includes(SECRET) && !body.includes(workload.url), `${filled}: ${body}`);
                        assert.ok([200, 403, 404].includes(status), `${filled}: ${status}`);
                        if (status === 200)
                            read++;
                    }
            }
            assert.ok(read > 20, `${read}`);
            const job = await look(queue, `/board/api/queues/requests/${ids[1]}`);
            assert.match(job.body, /"failedReason":"refused".*"data":"hidden"/);
        }
        finally {
            await queue.stop();
        }
    });
test("no route that changes anything is reachable, by any method, on any path", { skip: noRedisServer }, async () => {
    const queue = await openedQueue({
        ...{ backend: redis?.url, workload: workload.url, board: true, queue: "changes" },
        rules: ["*=queue?delay=1h"],
    });
    try {
        const { id } = await told(await ask(queue, "/", { method: "POST" }));
        // The control server passes GET and HEAD alone to it.
        const [page, ...others] = queue.controlRoutes.filter(({ path }) => path.startsWith("/board"));
        assert.deepEqual([page?.method, others.length], ["GET", 0]);
        const before = await look(queue, `/board/api/queues/changes/${id}`);
        let refused = 0;
        for (const { method, route } of appRoutes.api) {
            if (method === "get")
                continue;
            for (const path of [route].flat()) {
                const filled = path
                    .replace(":queueName", "changes")
                    .replace(":jobId", id)
                    .replace(":queueStatus", "delayed")
                    .replace(":schedulerId", "nightly");
                const { status } = await look(queue, `/board${filled}`);
                // Where a reading route has the same path, it is that; of the others there is none.
                assert.ok(status === 404 || status === 200, `${filled}: ${status}`);
                if (status !== 200)
                    refused++;
            }
        }
        assert.ok(refused >= 10, `${refused}`);
        assert.deepEqual(await look(queue, `/board/api/queues/changes/${id}`), before);
        assert.equal((await told(await ask(queue, `/jobs/${id}`))).state, "waiting");
    }
    finally {
        await queue.stop();
    }
});
test("has its page and the page's files, no others, and sends nobody to another site", { skip: noRedisServer }, async () => {
    const queue = await openedQueue({
        ...{ backend: redis?.url, workload: workload.url, board: true, queue: "page" },
    });
    try {
        const page = await look(queue, "/board");
        assert.match(page.body, /<base href="\/board\/" \/>/);
        assert.doesNotMatch(page.body, /https?:|<%/);
        assert.equal((await look(queue, "/board/queue/page")).body, page.body);
        const files = [...page.body.matchAll(/(?:src|href)="(static\/[^"]+)"/g)].map(([, file]) => file);
        assert.ok(files.length >= 5);
        for (const file of files)
            assert.equal((await look(queue, `/board/${file}`)).status, 200, file);
        for (const path of [
            "/static/../index.ejs",
            "/static/..%2f..%2fpackage.json",
            "/static/",
            "/static/%",
            "/no",
            "//",
        ])
            assert.ok([404, 200].includes((await look(queue, `/board${path}`)).status), path);
        for (const path of [
            ...["/static/../index.ejs", "/static/..%2f..%2fpackage.json", "/static/%", "/no"],
            // What stands in Redis beside the jobs.
            ...["id", "events", "wait", "meta"].map((key) => `/api/queues/requests/${key}`),
            "/api/queues?activeQueue=%25",
        ])
            assert.equal((await look(queue, `/board${path}`)).status, 404, path);
    }
    finally {
        await queue.stop();
    }
});
test("is not there unless it is asked for", { skip: noRedisServer }, async () => {
    const queue = await openedQueue({ backend: redis?.url, workload: workload.url, queue: "none" });
    assert.ok(!queue.controlRoutes.some(({ path }) => path.startsWith("/board")));
    await queue.stop();
});
//# sourceMappingURL=board.test.js.map