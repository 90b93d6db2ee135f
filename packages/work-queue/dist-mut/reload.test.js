/** Another configuration while it runs: what counts from then on, and what is refused. */
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { Redis } from "ioredis";
import { eventually, noPostgresServer, noRedisServer, PostgresServer, RedisServer, } from "@outrigger/core/testing";
import { parseWorkQueueConfig } from "./config/config.js";
import { ask, openedQueue, outcome, told } from "./testing/opened-queue.js";
import { Workload } from "./testing/workload.js";
const BACKENDS = [
    ["Redis", () => RedisServer.start(["--appendonly", "yes"]), noRedisServer],
    ["Postgres", () => PostgresServer.start(), noPostgresServer],
];
const workload = await Workload.start();
after(() => workload.end());
const post = { method: "POST", body: "x" };
for (const [kind, start, skip] of BACKENDS)
    test(`limits and times count for what comes after, on ${kind}`, { skip }, async () => {
        const server = await start();
        const common = {
            ...{ backend: server.url, workload: workload.url, listen: "127.0.0.1:0" },
            ...{ concurrency: 1, maxBody: "1KiB", backoff: "1ms" },
        };
        const queue = await openedQueue(common);
        const reload = (input) => queue.reload(parseWorkQueueConfig({ ...common, ...input }));
        const concurrency = async () => Number(/^outrigger_queue_concurrency (\d+)/m.exec((await queue.metrics.expose()).body)?.[1]);
        try {
            // One that runs holds nobody back when more may.
            const answers = [];
            workload.seen.length = 0;
            workload.behave = (_seen, response) => void answers.push(() => response.end("ok"));
            const held = [await told(await ask(queue, "/1", post)), await told(await ask(queue, "/2", post))];
            await eventually("the first runs", () => workload.seen.length === 1);
            await reload({ concurrency: 2 });
            await eventually("the second runs, too", () => workload.seen.length === 2);
            assert.equal(await concurrency(), 2);
            for (const answer of answers)
                answer();
            for (const { id } of held)
                assert.equal((await outcome(queue, id)).state, "done");
            const large = { method: "POST", body: Buffer.alloc(2_000) };
            assert.equal((await ask(queue, "/", large)).status, 413);
            workload.behave = (_seen, response) => response.writeHead(500).end();
            await reload({ maxBody: "4KiB", attempts: 1 });
            const { id } = await told(await ask(queue, "/", large));
            assert.deepEqual([(await outcome(queue, id)).attempts, await concurrency()], [1, 1]);
            workload.behave = () => { };
            await reload({ timeout: "20ms", attempts: 1 });
            const late = await outcome(queue, (await told(await ask(queue, "/", post))).id);
            assert.deepEqual([late.state, late.reason], ["failed", "attempts"]);
            workload.behave = (_seen, response) => void response.end("ok");
            const kept = await told(await ask(queue, "/", post));
            assert.equal((await outcome(queue, kept.id)).state, "done");
            await reload({ keepAnswers: "1s", idempotencyWindow: "1s" });
            // Its answer goes when others are done.
            while ((await ask(queue, `/jobs/${kept.id}`)).status !== 404)
                await outcome(queue, (await told(await ask(queue, "/", post))).id);
            await reload({ rules: ["*=pass"] });
            const passed = await ask(queue, "/", post);
            assert.deepEqual([passed.status, await passed.text()], [200, "ok"]);
            await assert.rejects(reload({ queue: "other", rules: [] }), {
                code: "restart-needed",
                message: /^queue: taken at the start only/,
            });
            assert.equal((await ask(queue, "/", post)).status, 200);
        }
        finally {
            await queue.stop();
            await server.end();
        }
        await assert.rejects(reload({}), { code: "not-started" });
    });
test("another rate, and what came while the backend was away, count for all workers", { skip: noRedisServer }, async () => {
    const redis = await RedisServer.start(["--appendonly", "yes"]);
    await redis.crash();
    workload.behave = (_seen, response) => void response.end("ok");
    const common = { backend: redis.url, workload: workload.url, listen: "127.0.0.1:0" };
    const queue = await openedQueue(common);
    await queue.reload(parseWorkQueueConfig({ ...common, concurrency: 7 }));
    await redis.startAgain();
    while ((await ask(queue, "/", post)).status !== 202)
        ;
    assert.match((await queue.metrics.expose()).body, /^outrigger_queue_concurrency 7$/m);
    await queue.reload(parseWorkQueueConfig({ ...common, rate: "1/1h" }));
    const client = new Redis(redis.url);
    try {
        // The window of before has its second first, then one of an hour begins.
        while ((await client.pttl("bull:requests:limiter")) <= 60_000)
            await (await ask(queue, "/", post)).arrayBuffer();
    }
    finally {
        client.disconnect();
        await queue.stop();
        await redis.end();
    }
});
//# sourceMappingURL=reload.test.js.map