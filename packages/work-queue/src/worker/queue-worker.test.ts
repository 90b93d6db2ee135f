/** What a worker makes of errors of the backend, between it and BullMQ. */
import assert from "node:assert/strict";
import { EventEmitter } from "node:events";
import { after, test } from "node:test";
import { Job, WaitingError, type Processor, type WorkerOptions } from "bullmq";
import { createMetrics, OutriggerError, silentLogger, systemClock } from "@outrigger/core";
import { eventually, noRedisServer, RedisServer } from "@outrigger/core/testing";
import type { Backend } from "../backend/backend.ts";
import { openBackend } from "../backend/open-backend.ts";
import { parseWorkQueueConfig } from "../config/config.ts";
import type { Answer } from "../job/answer.ts";
import { storeBody } from "../job/body.ts";
import type { StoredRequest } from "../job/stored-request.ts";
import { Workload } from "../testing/workload.ts";
import { HttpContract } from "./http-contract.ts";
import { QueueWorker } from "./queue-worker.ts";

const workload = await Workload.start();
after(() => workload.end());

type Process = Processor<StoredRequest, Answer>;

/** @param backend without one: it has the processor, and BullMQ's worker does nothing */
function created(backend?: Pick<Backend, "openWorker">, read?: () => never) {
  const opened = new EventEmitter() as EventEmitter & { Job: typeof Job };
  let run: Process = async () => assert.fail("it was not opened");
  const bullmq = {
    Job,
    ...{ isRunning: () => true, isPaused: () => false, close: async () => {} },
    ...{ pause: async () => {}, resume: async () => {}, waitUntilReady: async () => {} },
  };
  const standIn = {
    openWorker: (_name: string, process: Process) => {
      run = process;
      return Object.assign(opened, bullmq);
    },
  };
  const said: string[] = [];
  const bodies = { read };
  const config = parseWorkQueueConfig({ backend: "redis://127.0.0.1:1", workload: workload.url });
  const worker = new QueueWorker((backend ?? standIn) as Backend, config, {
    ...{ clock: systemClock, random: Math.random, metrics: createMetrics() },
    log: { ...silentLogger, warn: (_fields, message) => void said.push(message) },
    cancellations: { onAsked: () => {} } as never,
    bodies: bodies as never,
    contract: new HttpContract(workload.url, bodies as never),
    pauseQueue: async () => {},
  });
  return { worker, said, opened, run: (job: Job<StoredRequest, Answer>) => run(job, "token") };
}

const away = async (): Promise<never> => {
  throw new Error("Connection terminated unexpectedly");
};
const job = (more: object = {}): Job<StoredRequest, Answer> =>
  ({
    ...{ id: "one", attemptsMade: 0, attemptsStarted: 1, timestamp: 0, opts: { attempts: 1 } },
    data: { method: "GET", target: "/", fields: [["host", "x"]], body: storeBody(Buffer.alloc(0)) },
    ...{ moveToWait: away, moveToDelayed: away },
    ...more,
  }) as unknown as Job<StoredRequest, Answer>;

test("a job that cannot be handed back is left to its lock: it has not failed", async () => {
  const body = { blob: "one", bytes: 100_000 };
  const unread = created(undefined, () => {
    throw new OutriggerError("blob-not-read", "the disk is away");
  });
  // Not ready yet.
  await assert.rejects(unread.run(job()), WaitingError);
  await unread.worker.start();
  await assert.rejects(unread.run(job({ data: { ...job().data, body } })), WaitingError);
  assert.deepEqual(
    unread.said.filter((message) => message.includes("handed back")),
    Array(2).fill("a job is not handed back: its lock has to end"),
  );
  await unread.worker.end(AbortSignal.abort());
});

test("an error of the backend while a job's end is noted is not the job's", async (t) => {
  const { worker, run, opened } = created();
  await worker.start();
  const noted = t.mock.method(Job.prototype, "moveToFailed", async () => undefined);
  // BullMQ's next step, of a job that is of the class which its worker says.
  const moveToFailed = (error: Error): Promise<unknown> =>
    opened.Job.prototype.moveToFailed.call(job(), error, "token", true);
  assert.equal((await run(job())).status, 200);
  const lost = new Error("Connection terminated unexpectedly");
  await assert.rejects(moveToFailed(lost), lost);
  for (const status of [500, 400]) {
    workload.behave = (_seen, response) => response.writeHead(status).end();
    const ours = await run(job()).then(
      () => assert.fail("it was done"),
      (error: Error) => error,
    );
    await moveToFailed(ours);
    assert.deepEqual(noted.mock.calls.at(-1)?.arguments, [ours, "token", true]);
  }
  assert.equal(noted.mock.callCount(), 2);
  await worker.end(AbortSignal.abort());
});

test("what BullMQ takes is of the class that its worker says", { skip: noRedisServer }, async () => {
  const redis = await RedisServer.start(["--appendonly", "yes"]);
  const config = parseWorkQueueConfig({ backend: redis.url, workload: workload.url });
  const backend = await openBackend(config);
  const taken: Job[] = [];
  const openWorker = (name: string, process: Process, options: Omit<WorkerOptions, "connection">) =>
    backend.openWorker(
      name,
      (job, token) => {
        taken.push(job);
        return process(job, token);
      },
      options,
    );
  const { worker } = created({ openWorker: openWorker as Backend["openWorker"] });
  await worker.start();
  await backend.openQueue(config.queue).add("http", job().data);
  await eventually("it was taken", () => taken.length > 0);
  assert.notEqual(taken[0]?.moveToFailed, Job.prototype.moveToFailed);
  await worker.end(AbortSignal.abort());
  await backend.close();
  await redis.end();
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
