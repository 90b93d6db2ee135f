/** A workload that takes long, or for ever, in virtual time; and the lock of its job in real time. */
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { eventually, noRedisServer, RedisServer, VirtualClock } from "@outrigger/core/testing";
import { ask, openedQueue, outcome, told } from "./testing/opened-queue.js";
import { Workload } from "./testing/workload.js";
const TEN_MINUTES = 600_000;
if (noRedisServer)
    test("a slow workload", { skip: noRedisServer });
else {
    const redis = await RedisServer.start(["--appendonly", "yes"]);
    const workload = await Workload.start();
    const clock = new VirtualClock();
    const queue = await openedQueue({
        ...{ backend: redis.url, workload: workload.url, attempts: 2, timeout: "15m", lockDuration: "1s" },
        // Minutes pass in no time here.
        storeTimeout: "10000h",
    }, { clock });
    after(async () => {
        await queue.stop();
        await workload.end();
        await redis.end();
    });
    const post = async () => (await told(await ask(queue, "/", { method: "POST", body: "x" }))).id;
    test("one that takes ten minutes is given its job once, and its answer is the job's", async () => {
        let answer = () => { };
        workload.behave = (_seen, response) => (answer = () => void response.end("at last"));
        const id = await post();
        await eventually("it has begun", () => workload.seen.length === 1);
        clock.advance(TEN_MINUTES);
        assert.equal((await told(await ask(queue, `/jobs/${id}`))).state, "running");
        answer();
        const { state, attempts } = await outcome(queue, id);
        assert.deepEqual([state, attempts, workload.seen.length], ["done", 1, 1]);
        assert.equal(await (await ask(queue, `/jobs/${id}/result`)).text(), "at last");
    });
    test("one that never answers is tried again when its time is up, and given up after the last attempt", async () => {
        workload.seen.length = 0;
        workload.behave = () => { };
        const id = await post();
        for (const attempt of [1, 2]) {
            await eventually(`attempt ${attempt} has begun`, () => workload.seen.length === attempt);
            assert.equal((await told(await ask(queue, `/jobs/${id}`))).state, "running");
            clock.advance(TEN_MINUTES);
            clock.advance(TEN_MINUTES / 2);
        }
        const { state, reason, attempts } = await outcome(queue, id);
        assert.deepEqual([state, reason, attempts], ["failed", "attempts", 2]);
    });
}
//# sourceMappingURL=slow-workload.test.js.map