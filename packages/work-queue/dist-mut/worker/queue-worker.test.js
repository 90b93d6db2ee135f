/** What a worker makes of errors of the backend, between it and BullMQ. */
import assert from "node:assert/strict";
import { EventEmitter } from "node:events";
import { after, test } from "node:test";
import { WaitingError } from "bullmq";
import { createMetrics, OutriggerError, silentLogger, systemClock } from "@outrigger/core";
import { parseWorkQueueConfig } from "../config/config.js";
import { storeBody } from "../job/body.js";
import { Workload } from "../testing/workload.js";
import { HttpContract } from "./http-contract.js";
import { QueueWorker } from "./queue-worker.js";
const workload = await Workload.start();
after(() => workload.end());
/** BullMQ's part: it has the processor, and its worker does nothing. */
function created(read) {
    let run = async () => assert.fail("it was not opened");
    const bullmq = {
        ...{ isRunning: () => true, isPaused: () => false, close: async () => { } },
        ...{ pause: async () => { }, resume: async () => { }, waitUntilReady: async () => { } },
    };
    const backend = {
        openWorker: (_name, process) => {
            run = process;
            return Object.assign(new EventEmitter(), bullmq);
        },
    };
    const said = [];
    const bodies = { read };
    const config = parseWorkQueueConfig({ backend: "redis://127.0.0.1:1", workload: workload.url });
    const worker = new QueueWorker(backend, config, {
        ...{ clock: systemClock, random: Math.random, metrics: createMetrics() },
        log: { ...silentLogger, warn: (_fields, message) => void said.push(message) },
        cancellations: { onAsked: () => { } },
        bodies: bodies,
        contract: new HttpContract(workload.url, bodies),
        pauseQueue: async () => { },
    });
    return { worker, said, run: (job) => run(job, "token") };
}
const away = async () => {
    throw new Error("Connection terminated unexpectedly");
};
const job = (more = {}) => ({
    ...{ id: "one", attemptsMade: 0, attemptsStarted: 1, timestamp: 0, opts: { attempts: 1 } },
    data: { method: "GET", target: "/", fields: [["host", "x"]], body: storeBody(Buffer.alloc(0)) },
    ...{ moveToWait: away, moveToDelayed: away, moveToFailed: away },
    ...more,
});
test("a job that cannot be handed back is left to its lock: it has not failed", async () => {
    const body = { blob: "one", bytes: 100_000 };
    const unread = created(() => {
        throw new OutriggerError("blob-not-read", "the disk is away");
    });
    // Not ready yet.
    await assert.rejects(unread.run(job()), WaitingError);
    await unread.worker.start();
    await assert.rejects(unread.run(job({ data: { ...job().data, body } })), WaitingError);
    assert.deepEqual(unread.said.filter((message) => message.includes("handed back")), Array(2).fill("a job is not handed back: its lock has to end"));
    await unread.worker.end(AbortSignal.abort());
});
test("an error of the backend while a job's end is noted is not the job's", async () => {
    const { worker, run } = created();
    await worker.start();
    const failed = [];
    const done = job({ moveToFailed: async (error) => void failed.push(error) });
    assert.equal((await run(done)).status, 200);
    // BullMQ's next step where it could not note that.
    const lost = new Error("Connection terminated unexpectedly");
    await assert.rejects(done.moveToFailed(lost, "token"), lost);
    workload.behave = (_seen, response) => response.writeHead(500).end();
    const ours = await run(done).then(() => assert.fail("it was done"), (error) => error);
    await done.moveToFailed(ours, "token");
    assert.deepEqual(failed, [ours]);
    await worker.end(AbortSignal.abort());
});
test("a job that BullMQ hands over after the worker was cut is not begun", async () => {
    workload.seen.length = 0;
    const { worker, run } = created();
    await worker.start();
    let back = 0;
    const late = job({ moveToWait: async () => void back++ });
    const ended = worker.end(AbortSignal.abort());
    await assert.rejects(run(late), WaitingError);
    await ended;
    assert.deepEqual([workload.seen.length, back], [0, 1]);
});
//# sourceMappingURL=queue-worker.test.js.map