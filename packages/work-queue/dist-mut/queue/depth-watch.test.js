/** What is known of the depth between looks, and while none is answered. */
import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import { createMetrics } from "@outrigger/core";
import { VirtualClock } from "@outrigger/core/testing";
import { DepthWatch } from "./depth-watch.js";
let clock;
let counts;
let answer = (_counts) => { };
let due;
let changes;
let metrics;
let watch;
const blobs = { bytes: async () => 0 };
const isReached = async () => /^outrigger_queue_reached 1$/m.test((await metrics.expose()).body);
beforeEach(() => {
    clock = new VirtualClock();
    counts = async () => ({});
    due = changes = 0;
    const queue = {
        getJobCounts: () => counts(),
        getDelayedCount: async () => due,
        getJobs: async () => [],
    };
    metrics = createMetrics();
    watch = new DepthWatch({ queue, blobs, clock, metrics, onChange: () => changes++ });
});
test("what this process adds counts at once, and whoever asked for it hears of it", async () => {
    await watch.start();
    assert.deepEqual([watch.toDo, changes], [0, 1]);
    watch.added();
    assert.deepEqual([watch.toDo, changes], [1, 2]);
    counts = async () => ({ waiting: 1 });
    await clock.advanceAsync(1_000);
    assert.deepEqual([watch.toDo, changes], [1, 3]);
});
test("a job that is not to be begun yet wakes nobody, and counts as one that is not done", async () => {
    await watch.start();
    watch.added(60_000);
    assert.deepEqual([watch.toDo, watch.unfinished, changes], [0, 1, 1]);
    watch.added();
    assert.deepEqual([watch.toDo, watch.unfinished, changes], [1, 2, 2]);
    counts = async () => ({ delayed: 1, waiting: 1 });
    await clock.advanceAsync(1_000);
    assert.deepEqual([watch.toDo, watch.unfinished], [1, 2]);
});
test("jobs of every kind that a worker could take are to be done, and no others", async () => {
    counts = async () => ({ waiting: 1, prioritized: 20, active: 300, delayed: 9_000, failed: 70_000 });
    due = 4_000;
    await watch.start();
    assert.equal(watch.toDo, 4_321);
});
test("before the backend has said anything, nothing is known, whatever was added", async () => {
    counts = async () => Promise.reject(new Error("away"));
    await watch.start();
    watch.added();
    assert.equal(watch.toDo, null);
});
test("one that was stopped says nothing any more of whether the backend is reached", async () => {
    await watch.start();
    watch.stop();
    const queue = { getJobCounts: async () => ({}) };
    const next = new DepthWatch({ queue, blobs, clock, metrics });
    await clock.advanceAsync(60_000);
    await next.start();
    assert.equal(await isReached(), true);
    next.stop();
});
for (const [how, look] of [
    ["is away", async () => Promise.reject(new Error("away"))],
    ["does not answer", () => new Promise((resolve) => (answer = resolve))],
])
    test(`a backend that ${how} is not known after five seconds, and is again with its next answer`, async () => {
        counts = async () => ({ waiting: 2 });
        await watch.start();
        counts = look;
        await clock.advanceAsync(5_000);
        assert.equal(watch.toDo, 2);
        await clock.advanceAsync(1);
        assert.deepEqual([watch.toDo, await isReached()], [null, false]);
        counts = async () => ({ waiting: 5 });
        answer({ waiting: 4 });
        await clock.advanceAsync(1_000);
        assert.deepEqual([watch.toDo, await isReached()], [5, true]);
    });
//# sourceMappingURL=depth-watch.test.js.map