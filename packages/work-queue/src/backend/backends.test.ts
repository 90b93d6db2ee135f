/** What every backend promises. */
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { after, describe, it } from "node:test";
import { UnrecoverableError } from "bullmq";
import {
  eventually,
  noPostgresServer,
  noRedisServer,
  PostgresServer,
  RedisServer,
  VirtualClock,
} from "@outrigger/core/testing";
import { createMetrics, systemClock } from "@outrigger/core";
import type { BlobStore } from "../blobs/blob-store.ts";
import type { Answer } from "../job/answer.ts";
import { readBody, storeBody, type InlineBody } from "../job/body.ts";
import type { StoredRequest } from "../job/stored-request.ts";
import { Cancellations } from "../queue/cancellations.ts";
import { DepthWatch } from "../queue/depth-watch.ts";
import { NO_RATE } from "../queue/job-store.ts";
import { collect } from "../testing/collect.ts";
import type { Backend, JobQueue, JobWorker } from "./backend.ts";
import { openBackend } from "./open-backend.ts";

const scratch = mkdtempSync(join(tmpdir(), "outrigger-queue-"));
after(() => rmSync(scratch, { recursive: true, force: true }));

const redis = noRedisServer ? null : await RedisServer.start(["--appendonly", "yes"]);
after(() => redis?.end());
const postgres = noPostgresServer ? null : await PostgresServer.start();
after(() => postgres?.end());

const BACKENDS = [
  {
    name: "embedded",
    skip: false,
    open: () => openBackend({ backend: { kind: "embedded", folder: scratch } }),
  },
  {
    name: "redis",
    skip: noRedisServer,
    open: () => openBackend({ backend: { kind: "redis", url: redis?.url as string } }),
  },
  {
    name: "postgres",
    skip: noPostgresServer,
    open: () => openBackend({ backend: { kind: "postgres", url: postgres?.url as string } }),
  },
] as const;

const request = (target: string, body = ""): StoredRequest => ({
  method: "POST",
  target,
  fields: [["content-type", "text/plain"]],
  body: storeBody(Buffer.from(body, "latin1")),
});
const OK: Answer = { status: 200, fields: [], body: "" };
const OPTIONS = { attempts: 3, backoff: { type: "custom" } };
const AT_ONCE = { settings: { backoffStrategy: () => 0 } };

for (const { name, skip, open } of BACKENDS) {
  describe(name, { skip }, () => {
    const closing: (() => Promise<unknown>)[] = [];
    let backend: Backend;
    let queues = 0;
    let queueName = "";
    const close = async (): Promise<void> => {
      for (const one of closing.splice(0).reverse()) await one();
    };
    const openQueue = async (): Promise<JobQueue> => {
      const queue = backend.openQueue(queueName);
      closing.push(() => queue.close());
      await queue.waitUntilReady();
      return queue;
    };
    const work = (
      process: (request: StoredRequest, id: string) => Promise<Answer>,
      options: object = {},
    ): JobWorker => {
      const worker = backend.openWorker(queueName, (job) => process(job.data, job.id as string), {
        ...AT_ONCE,
        ...options,
      });
      worker.on("error", () => {});
      closing.push(() => worker.close());
      return worker;
    };
    const reopen = async (): Promise<void> => {
      await close();
      backend = await open();
      closing.push(() => backend.close());
    };
    const each = (what: string, test: () => Promise<void>): void => {
      it(what, async () => {
        await reopen();
        queueName = `q${queues++}`;
        try {
          await test();
        } finally {
          await close();
        }
      });
    };

    each("gives a job to a worker as it was added, and keeps its answer", async () => {
      const queue = await openQueue();
      const bytes = "\0\xff\xfe text \r\n";
      const added = await queue.add("http", request("/a?b=%00", bytes), { jobId: "one", ...OPTIONS });
      const seen: StoredRequest[] = [];
      work(async (stored) => {
        seen.push(stored);
        return { status: 201, fields: [["x", "ü\u{1f600}"]], body: storeBody(Buffer.from([0, 255])) };
      });
      await until(async () => (await queue.getJobState("one")) === "completed");
      assert.deepEqual(seen, [request("/a?b=%00", bytes)]);
      assert.equal(readBody((seen[0]?.body ?? "") as InlineBody).toString("latin1"), bytes);
      const job = await queue.getJob(added.id as string);
      assert.deepEqual(job?.returnvalue, {
        status: 201,
        fields: [["x", "ü\u{1f600}"]],
        body: storeBody(Buffer.from([0, 255])),
      });
    });

    each("gives each of many jobs to one of several workers, all of them once", async () => {
      const queue = await openQueue();
      const ids = Array.from({ length: 100 }, (_, index) => `job-${index}`);
      await Promise.all(ids.map((jobId) => queue.add("http", request("/"), { jobId, ...OPTIONS })));
      const done: string[] = [];
      for (const _ of [1, 2, 3])
        work(
          async (_stored, id) => {
            done.push(id);
            return OK;
          },
          { concurrency: 5 },
        );
      await eventually("all are done", () => done.length >= ids.length);
      await until(async () => (await queue.getCompletedCount()) === ids.length);
      assert.deepEqual([...done].sort(), [...ids].sort());
    });

    each("tries again what failed, as often as it is told, and then keeps it as failed", async () => {
      const queue = await openQueue();
      await queue.add("http", request("/"), { jobId: "one", ...OPTIONS });
      let tries = 0;
      work(async () => {
        tries++;
        throw new Error(`try ${tries}`);
      });
      await until(async () => (await queue.getJobState("one")) === "failed");
      assert.equal(tries, 3);
      assert.equal((await queue.getJob("one"))?.failedReason, "try 3");
    });

    each("has what it was given after it was closed and opened", async () => {
      const queue = await openQueue();
      await queue.add("http", request("/kept"), { jobId: "one", ...OPTIONS });
      await reopen();
      assert.equal((await (await openQueue()).getJob("one"))?.data.target, "/kept");
    });

    each("tells who waits when a job is done", async () => {
      const queue = await openQueue();
      const events = backend.openEvents(queueName);
      closing.push(() => events.close());
      await events.waitUntilReady();
      const told: string[] = [];
      events.on("completed", ({ jobId }) => told.push(jobId));
      work(async () => OK);
      await queue.add("http", request("/"), { jobId: "one", ...OPTIONS });
      await eventually("it is told", () => told.includes("one"));
    });

    each("knows a job again by its deduplication id, also after it is done", async () => {
      const queue = await openQueue();
      const add = async (jobId: string, deduplicationId: string): Promise<string | undefined> =>
        (
          await queue.add("http", request(`/${jobId}`), {
            jobId,
            ...OPTIONS,
            deduplication: { id: deduplicationId, ttl: 60_000 },
          })
        ).id;
      assert.equal(await add("first", "k"), "first");
      assert.equal(await add("second", "k"), "first");
      assert.equal(await add("third", "l"), "third");
      assert.equal(await queue.getJob("second"), undefined);
      work(async () => OK);
      await until(async () => (await queue.getCompletedCount()) === 2);
      assert.equal(await add("fourth", "k"), "first");
    });

    each("tells a worker elsewhere that a job is cancelled", async () => {
      const events = backend.openEvents(queueName);
      const producer = backend.openEventsProducer(queueName);
      closing.push(
        () => events.close(),
        () => producer.close(),
      );
      await events.waitUntilReady();
      const asked: string[] = [];
      const cancellations = new Cancellations(events, producer);
      cancellations.onAsked((id) => asked.push(id));
      // On Redis what comes before the first read of the stream is not heard.
      for (; asked.length === 0; await new Promise((resolve) => setTimeout(resolve, 5)))
        await cancellations.ask("one");
      assert.equal(asked[0], "one");
    });

    each("gives nobody a job while the queue is paused, and goes on by itself", async () => {
      const queue = await openQueue();
      const began: number[] = [];
      const limiter = { max: NO_RATE, duration: 1_000 };
      for (const _ of [1, 2])
        work(
          async () => {
            began.push(performance.now());
            return OK;
          },
          { limiter },
        );
      await queue.add("http", request("/"), { jobId: "before", ...OPTIONS });
      await eventually("it goes on", () => began.length === 1);
      const paused = performance.now();
      assert.equal(await queue.getRateLimitTtl(NO_RATE), 0);
      await queue.rateLimit(500);
      assert.ok((await queue.getRateLimitTtl(NO_RATE)) > 0);
      for (const jobId of ["one", "two"]) await queue.add("http", request("/"), { jobId, ...OPTIONS });
      await eventually("they are done", () => began.length === 3);
      for (const at of began.slice(1)) assert.ok(at - paused >= 490, `${at - paused}`);
    });

    each("begins no more jobs than the limiter lets in its time, whichever worker has them", async () => {
      const queue = await openQueue();
      for (let at = 0; at < 7; at++) await queue.add("http", request("/"), { jobId: `j${at}`, ...OPTIONS });
      const began: number[] = [];
      const opened = performance.now();
      for (let worker = 0; worker < 2; worker++)
        work(
          async () => {
            began.push(performance.now());
            return OK;
          },
          { concurrency: 5, limiter: { max: 3, duration: 400 } },
        );
      await eventually("they are done", () => began.length === 7);
      // Two windows are over; when it is seen to begin may be late, and never early.
      assert.ok((began[6] as number) - opened >= 790, began.join());
    });

    each("says how many jobs there are in which state, and which is the oldest", async () => {
      const queue = await openQueue();
      const blobs = await backend.openBlobs(queueName, systemClock);
      const watch = new DepthWatch({ queue, blobs, clock: systemClock, metrics: createMetrics() });
      const look = async (): Promise<DepthWatch["depth"]> => {
        await watch.start();
        watch.stop();
        return watch.depth;
      };
      assert.deepEqual(await look(), { waiting: 0, delayed: 0, due: 0, running: 0, failed: 0, oldest: 0 });
      await queue.add("http", request("/"), { jobId: "old", ...OPTIONS });
      const added = Date.now();
      while (Date.now() < added + 50) await new Promise((resolve) => setImmediate(resolve));
      for (const jobId of ["young", "younger"]) await queue.add("http", request("/"), { jobId, ...OPTIONS });
      await queue.add("http", request("/"), { jobId: "later", delay: 1_000_000, ...OPTIONS });
      const { oldest = 0, ...depth } = (await look()) ?? {};
      assert.deepEqual(depth, { waiting: 3, delayed: 1, due: 0, running: 0, failed: 0 });
      assert.ok(oldest >= 50, `${oldest}`);
      let release = (): void => {};
      const held = new Promise<void>((resolve) => (release = resolve));
      const worker = work(async (_stored, id) => {
        if (id === "old") throw new UnrecoverableError("no");
        await held;
        return OK;
      });
      await until(async () => (await queue.getJobCounts("active", "failed"))["failed"] === 1);
      await until(async () => (await queue.getJobCounts("active"))["active"] === 1);
      assert.deepEqual(
        { ...(await look()), oldest: 0 },
        { waiting: 1, delayed: 1, due: 0, running: 1, failed: 1, oldest: 0 },
      );
      release();
      await worker.close();
    });

    each(
      "counts a delayed job as one to do from when its time has come, also where no worker is",
      async () => {
        const queue = await openQueue();
        const clock = new VirtualClock(0, Date.now());
        const blobs = await backend.openBlobs(queueName, systemClock);
        const watch = new DepthWatch({ queue, blobs, clock, metrics: createMetrics() });
        const look = async () => {
          await watch.start();
          watch.stop();
          return [watch.depth?.delayed, watch.depth?.due, watch.toDo];
        };
        for (let jobId = 0; jobId < 20; jobId++)
          await queue.add("http", request("/"), { jobId: `far${jobId}`, delay: 3_600_000, ...OPTIONS });
        await queue.add("http", request("/"), { jobId: "near", delay: 600_000, ...OPTIONS });
        assert.deepEqual(await look(), [21, 0, 0]);
        // One between attempts: its time is counted from its failure, not from when it was added.
        await queue.add("http", request("/"), { jobId: "again", ...OPTIONS });
        const worker = work(
          async () => {
            throw new Error("not yet");
          },
          { settings: { backoffStrategy: () => 600_000 } },
        );
        await until(async () => (await queue.getDelayedCount()) === 22);
        await worker.close();
        assert.deepEqual(await look(), [22, 0, 0]);
        clock.jumpWallTime(600_000 - 2_000);
        assert.deepEqual(await look(), [22, 0, 0]);
        // Both by then, however long all this took.
        clock.jumpWallTime(2_000 + 60_000);
        assert.deepEqual(await look(), [22, 2, 2]);
        clock.jumpWallTime(3_600_000);
        assert.deepEqual(await look(), [22, 22, 22]);
      },
    );

    each("keeps a blob as it came, in whatever pieces, and nothing of one whose writing failed", async () => {
      const blobs = await backend.openBlobs(queueName, systemClock);
      for (const [at, sizes] of [[0, 1, 700_000, 262_144, 3], [], [262_144, 262_144]].entries()) {
        const pieces = sizes.map((size) => randomBytes(size));
        const sum = await blobs.bytes();
        await blobs.write(`b${at}`, Readable.from(pieces, { objectMode: true }));
        assert.equal(
          (await blobs.bytes()) - sum,
          sizes.reduce((a, b) => a + b, 0),
        );
        assert.deepEqual(await whole(blobs, `b${at}`), Buffer.concat(pieces));
      }
      const full = await blobs.bytes();
      async function* breaking(): AsyncGenerator<Buffer> {
        yield randomBytes(300_000);
        throw new Error("the client left");
      }
      await assert.rejects(blobs.write("c0", breaking()), /the client left/);
      await assert.rejects(whole(blobs, "c0"), { code: "no-such-blob" });
      assert.equal(await blobs.bytes(), full);
      await blobs.remove("b0");
      await blobs.remove("b0");
      await assert.rejects(whole(blobs, "b0"), { code: "no-such-blob" });
      assert.equal(await blobs.bytes(), 2 * 262_144);
    });

    each("knows the blobs that nobody has written to for so long, of this queue alone", async () => {
      // One page of ids, and some more.
      const ids = Array.from({ length: 1_003 }, (_, at) => `${at.toString(16).padStart(4, "0")}-a`);
      const blobs = await backend.openBlobs(queueName, systemClock);
      const others = await backend.openBlobs(`${queueName}-other`, systemClock);
      for (const id of ids) await blobs.write(id, Readable.from([Buffer.from("x")], { objectMode: true }));
      await others.write("f1", Readable.from([Buffer.from("x")], { objectMode: true }));
      const untouched = async (span: number): Promise<string[]> =>
        (await collect(blobs.untouched(span))).sort();
      assert.deepEqual(await untouched(600_000), []);
      const last = Date.now();
      while (Date.now() < last + 5) await new Promise((resolve) => setImmediate(resolve));
      assert.deepEqual(await untouched(0), ids);
      // As they are removed meanwhile.
      const removed: string[] = [];
      for await (const id of blobs.untouched(0)) {
        await blobs.remove(id);
        removed.push(id);
      }
      assert.deepEqual(removed.sort(), ids);
      assert.equal(await blobs.bytes(), 0);
      assert.equal((await whole(others, "f1")).length, 1);
    });

    each("adds a job of one id once", async () => {
      const queue = await openQueue();
      for (const target of ["/first", "/second"])
        await queue.add("http", request(target), { jobId: "one", ...OPTIONS });
      assert.equal((await queue.getJob("one"))?.data.target, "/first");
      assert.equal(await queue.getWaitingCount(), 1);
    });
  });
}

const whole = async (blobs: BlobStore, id: string): Promise<Buffer> =>
  Buffer.concat(await collect(blobs.read(id)));

/** Of what has to be asked for. */
async function until(holds: () => Promise<boolean>): Promise<void> {
  let last = false;
  let asking = false;
  await eventually("it is so", () => {
    if (!asking && !last) {
      asking = true;
      void holds().then((answer) => {
        last = answer;
        asking = false;
      });
    }
    return last;
  });
}
