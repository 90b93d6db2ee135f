/** A backend that has moved: connections to where it was stay open and say nothing, and whoever dials anew finds it. */
import { noPostgresServer, noRedisServer, PostgresServer, RedisServer } from "@outrigger/core/testing";
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { ask, openedQueue, outcome, told } from "./testing/opened-queue.js";
import { Passage } from "./testing/passage.js";
import { Workload } from "./testing/workload.js";
/** Longer than any of its connections is silent for; its message is the last that is left to come true. */
async function until(what, holds) {
    for (const end = Date.now() + 90_000; !(await holds()); await pause(50))
        assert.ok(Date.now() < end, `it did not come true that ${what}`);
}
describe("a backend whose connections lead nowhere", { concurrency: true }, () => {
    for (const [name, start, skip] of [
        ["Redis", () => RedisServer.start(["--appendonly", "yes"]), noRedisServer],
        ["Postgres", () => PostgresServer.start(), noPostgresServer],
    ])
        test(`${name}: is dialled anew by front, worker and whoever listens, and nothing that was kept is lost`, { skip }, async (t) => {
            const [server, workload] = await Promise.all([start(), Workload.start()]);
            t.after(async () => void (await Promise.all([workload.end(), server.end()])));
            const passage = await Passage.to(server.url);
            t.after(() => passage.end());
            const queue = await openedQueue({
                ...{ backend: passage.url, workload: workload.url, rules: ["/later=queue?delay=1h"] },
                ...{
                    storeTimeout: "500ms",
                    schedules: ["yearly = 0 0 29 2 * GET /"],
                },
            });
            t.after(() => queue.stop());
            const post = (path) => ask(queue, path, { method: "POST", body: "x" });
            const first = await post("/first");
            assert.equal(first.status, 202);
            // With one that is due in an hour BullMQ would wait for so long on Postgres.
            await post("/later");
            assert.equal((await outcome(queue, (await told(first)).id)).state, "done");
            assert.ok(passage.silence() > 2);
            const kept = [];
            const refused = new Set();
            await until("the front has another connection", async () => {
                const answer = await post("/job");
                if (answer.status === 202)
                    kept.push((await told(answer)).id);
                else
                    refused.add(answer.status);
                return kept.length > 2;
            });
            assert.deepEqual([...refused], [503]);
            await until("the worker has another connection", () => workload.seen.length > kept.length);
            for (const id of kept)
                assert.equal((await outcome(queue, id)).state, "done");
            await until("all of the silent ones are given up", () => passage.stillOpen === 0);
            await until("the depth is known", async () => (await queue.metrics.expose()).body.includes("outrigger_queue_reached 1"));
            // By an event, not by a look.
            const answer = await ask(queue, "/job", { method: "POST", headers: { prefer: "wait=60" } });
            assert.equal(answer.status, 200);
        });
});
//# sourceMappingURL=silent-backend.test.js.map