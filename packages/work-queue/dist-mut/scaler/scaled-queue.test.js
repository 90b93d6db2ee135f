/** A front with a scaler, and its workers: what an autoscaler is told of real jobs. */
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { status } from "@grpc/grpc-js";
import { eventually, noRedisServer, RedisServer } from "@outrigger/core/testing";
import { hasTold, ref, ScalerClient } from "../testing/scaler-client.js";
import { Workload } from "../testing/workload.js";
import { createWorkQueue } from "../work-queue.js";
import { METRIC_NAME } from "./scaler.js";
const skip = noRedisServer;
const redis = skip ? null : await RedisServer.start(["--appendonly", "yes"]);
const workload = await Workload.start();
const opened = [];
after(async () => {
    for (const one of opened.reverse())
        await one.stop();
    await workload.end();
    await redis?.end();
});
let queues = 0;
const newQueue = () => `q${queues++}`;
async function open(input, random = Math.random) {
    const queue = createWorkQueue({
        backend: redis?.url,
        workload: workload.url,
        listen: "127.0.0.1:0",
        attempts: 3,
        storeTimeout: "500ms",
        ...(input.role === "worker" ? {} : { scaler: "127.0.0.1:0" }),
        ...input,
    }, { random });
    opened.push(queue);
    await queue.start();
    return queue;
}
const addressOf = (queue, name) => queue.listeners.find((listener) => listener.name === name)?.addresses?.[0];
function ask(queue) {
    const client = new ScalerClient(addressOf(queue, "scaler"));
    opened.push({ stop: async () => client.close() });
    return client;
}
async function add(queue) {
    const response = await fetch(`http://${addressOf(queue, "front")}/`, { method: "POST", body: "x" });
    const { id = "" } = (await response.json());
    return { status: response.status, id };
}
async function until(holds) {
    for (const end = Date.now() + 20_000; !(await holds()); await new Promise((resolve) => setImmediate(resolve)))
        if (Date.now() > end)
            assert.fail("in twenty seconds it did not come true");
}
async function jobsOf(client) {
    const answer = await client.call("GetMetrics", { scaledObjectRef: ref(), metricName: METRIC_NAME });
    return answer.metricValues[0]
        ?.metricValueFloat;
}
test("workers are woken by the first job, are counted for all, and are let go when none is left", { skip }, async () => {
    const queue = newQueue();
    const front = await open({ queue, role: "front" });
    const client = ask(front);
    const watched = client.watch();
    await hasTold(watched, false);
    for (let jobs = 0; jobs < 3; jobs++)
        assert.equal((await add(front)).status, 202);
    await hasTold(watched, false, true);
    assert.ok((await jobsOf(client)) >= 3);
    await until(async () => (await jobsOf(client)) === 3);
    workload.behave = (_seen, response) => void response.end("ok");
    await open({ queue, role: "worker" });
    await hasTold(watched, false, true, false);
    assert.equal(await jobsOf(client), 0);
    assert.deepEqual(await client.call("IsActive", ref()), { result: false });
});
test("a job that another front took wakes them, too", { skip }, async () => {
    const queue = newQueue();
    const watched = ask(await open({ queue, role: "front" })).watch();
    await hasTold(watched, false);
    await add(await open({ queue, role: "front" }));
    await hasTold(watched, false, true);
});
test("a job that is to be tried again in an hour keeps no worker, one that runs does", { skip }, async () => {
    const queue = newQueue();
    const front = await open({ queue, role: "front" });
    const client = ask(front);
    const watched = client.watch();
    await hasTold(watched, false);
    // Not those of the tests before.
    workload.seen.length = 0;
    let fail = () => { };
    workload.behave = (_seen, response) => void (fail = () => response.writeHead(500).end());
    await open({ queue, role: "worker", backoff: "1h", maxBackoff: "1h" }, () => 0.999);
    await add(front);
    await eventually("it runs", () => workload.seen.length > 0);
    await until(async () => (await jobsOf(client)) === 1);
    assert.deepEqual(await client.call("IsActive", ref()), { result: true });
    fail();
    await hasTold(watched, false, true, false);
    await until(async () => /jobs\{state="delayed"\} 1/.test((await front.metrics.expose()).body));
    assert.equal(await jobsOf(client), 0);
});
test("while its backend is away it says so, never that there is nothing, and wakes them once it is back", { skip }, async () => {
    // By default a Redis that is killed may lack what it has acknowledged, where its disk is busy.
    const away = await RedisServer.start(["--appendonly", "yes", "--appendfsync", "always"]);
    opened.push({ stop: () => away.end() });
    const front = await open({ queue: newQueue(), role: "front", backend: away.url });
    const client = ask(front);
    const codeOf = async () => (await client.call("IsActive", ref())).code;
    const watched = client.watch();
    await hasTold(watched, false);
    await add(front);
    await hasTold(watched, false, true);
    for (const [goes, comes] of [
        [() => away.crash(), () => away.startAgain()],
        [async () => away.kill("SIGSTOP"), async () => away.kill("SIGCONT")],
    ]) {
        await goes();
        const unavailable = status.UNAVAILABLE;
        await until(async () => (await codeOf()) === unavailable);
        await comes();
        await until(async () => (await codeOf()) === undefined);
    }
    assert.deepEqual(watched.told, [false, true]);
    assert.equal(await jobsOf(client), 1);
});
test("one that starts without its backend says so, and tells who asked early once it is there", { skip }, async () => {
    const late = await RedisServer.start(["--appendonly", "yes"]);
    opened.push({ stop: () => late.end() });
    await late.crash();
    const front = await open({ queue: newQueue(), role: "front", backend: late.url });
    const client = ask(front);
    const watched = client.watch();
    assert.equal((await client.call("IsActive", ref())).code, status.UNAVAILABLE);
    assert.ok("metricSpecs" in (await client.call("GetMetricSpec", ref())));
    await late.startAgain();
    await hasTold(watched, false);
});
test("it is not there unless it is asked for, and a port that is taken is said", { skip }, async () => {
    const front = await open({ queue: newQueue(), role: "front" });
    const without = createWorkQueue({ backend: redis?.url, listen: "127.0.0.1:0" });
    await without.start();
    assert.deepEqual(without.listeners.map(({ name }) => name), ["front", "worker"]);
    await without.stop();
    const second = createWorkQueue({
        backend: redis?.url,
        listen: "127.0.0.1:0",
        scaler: addressOf(front, "scaler"),
    });
    await assert.rejects(second.start(), /the scaler cannot listen on 127\.0\.0\.1:\d+: .*EADDRINUSE.*; choose another port/);
});
//# sourceMappingURL=scaled-queue.test.js.map