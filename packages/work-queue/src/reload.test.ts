/** Another configuration while it runs: what counts from then on, and what is refused. */
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { Redis } from "ioredis";
import {
  eventually,
  noPostgresServer,
  noRedisServer,
  PostgresServer,
  RedisServer,
} from "@outrigger/core/testing";
import { parseWorkQueueConfig, type WorkQueueInput } from "./config/config.ts";
import { ask, openedQueue, outcome, told, type Told } from "./testing/opened-queue.ts";
import { Workload } from "./testing/workload.ts";

const BACKENDS = [
  ["Redis", () => RedisServer.start(["--appendonly", "yes"]), noRedisServer],
  ["Postgres", () => PostgresServer.start(), noPostgresServer],
] as const;

const workload = await Workload.start();
after(() => workload.end());
const post = { method: "POST", body: "x" };

for (const [kind, start, skip] of BACKENDS)
  test(`limits and times count for what comes after, on ${kind}`, { skip }, async () => {
    const server = await start();
    const common: WorkQueueInput = {
      ...{ backend: server.url, workload: workload.url, listen: "127.0.0.1:0" },
      ...{ concurrency: 1, maxBody: "1KiB", backoff: "1ms" },
    };
    const queue = await openedQueue(common as Parameters<typeof openedQueue>[0]);
    const reload = (input: Partial<WorkQueueInput>): Promise<void> =>
      queue.reload(parseWorkQueueConfig({ ...common, ...input }));
    const concurrency = async (): Promise<number> =>
      Number(/^outrigger_queue_concurrency (\d+)/m.exec((await queue.metrics.expose()).body)?.[1]);
    try {
      // One that runs holds nobody back when more may.
      const answers: (() => void)[] = [];
      workload.seen.length = 0;
      workload.behave = (_seen, response) => void answers.push(() => response.end("ok"));
      const held = [await told(await ask(queue, "/1", post)), await told(await ask(queue, "/2", post))];
      await eventually("the first runs", () => workload.seen.length === 1);
      await reload({ concurrency: 2 });
      await eventually("the second runs, too", () => workload.seen.length === 2);
      assert.equal(await concurrency(), 2);
      for (const answer of answers) answer();
      for (const { id } of held) assert.equal((await outcome(queue, id)).state, "done");

      const large = { method: "POST", body: Buffer.alloc(2_000) };
      assert.equal((await ask(queue, "/", large)).status, 413);
      workload.behave = (_seen, response) => response.writeHead(500).end();
      await reload({ maxBody: "4KiB", attempts: 1 });
      const { id } = await told(await ask(queue, "/", large));
      assert.deepEqual([(await outcome(queue, id)).attempts, await concurrency()], [1, 1]);

      workload.behave = () => {};
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
    } finally {
      await queue.stop();
      await server.end();
    }
    await assert.rejects(reload({}), { code: "not-started" });
  });

test("each other limit counts from then on, too", { skip: noRedisServer }, async () => {
  const redis = await RedisServer.start(["--appendonly", "yes"]);
  const common: WorkQueueInput & { backend: string; workload: string } = {
    ...{ backend: redis.url, workload: workload.url, listen: "127.0.0.1:0" },
    ...{ attempts: 2, backoff: "1h", maxBackoff: "1h" },
  };
  // Each pause is the longest that it may be.
  const queue = await openedQueue(common, { random: () => 0.999 });
  const reload = (input: Partial<WorkQueueInput>): Promise<void> =>
    queue.reload(parseWorkQueueConfig({ ...common, ...input }));
  const post = (body: string, headers = {}): Promise<Response> =>
    ask(queue, "/", { method: "POST", body, headers });
  const end = async (): Promise<Told> => outcome(queue, (await told(await post("x"))).id);
  try {
    workload.behave = (_seen, response) => response.writeHead(500).end();
    for (const pauses of [{ backoff: "1ms" }, { maxBackoff: "1ms" }]) {
      await reload(pauses);
      assert.equal((await end()).attempts, 2);
    }
    workload.behave = (_seen, response) => response.end("x".repeat(2_000));
    assert.equal((await end()).state, "done");
    await reload({ maxAnswer: "1KiB" });
    assert.equal((await end()).reason, "answer");

    const key = { "idempotency-key": "K" };
    await reload({ idempotencyWindow: "1s" });
    const { id } = await told(await post("x", key));
    while ((await told(await post("x", key))).id === id);

    // Its workload takes nothing from now on.
    workload.behave = (_seen, response) => response.writeHead(503).end();
    await reload({ ready: "/ready" });
    while (!/^outrigger_queue_workload_ready 0$/m.test((await queue.metrics.expose()).body))
      await new Promise((resolve) => setImmediate(resolve));
    assert.ok(workload.seen.some(({ target }) => target === "/ready"));
    const large = "x".repeat(100_000);
    for (const limit of [{ maxDepth: 1 }, { maxBytes: "1KiB" }]) {
      await reload({ ready: "/ready" });
      assert.equal((await post(large)).status, 202);
      await reload({ ready: "/ready", ...limit });
      assert.equal((await post(large)).status, 429);
    }
    workload.behave = (_seen, response) => void response.end("ok");
    await reload({});
    assert.equal((await end()).state, "done");
  } finally {
    await queue.stop();
    await redis.end();
  }
});

test(
  "another rate, and what came while the backend was away, count for all workers",
  { skip: noRedisServer },
  async () => {
    const redis = await RedisServer.start(["--appendonly", "yes"]);
    await redis.crash();
    workload.behave = (_seen, response) => void response.end("ok");
    const common = { backend: redis.url, workload: workload.url, listen: "127.0.0.1:0" };
    const queue = await openedQueue(common);
    await queue.reload(parseWorkQueueConfig({ ...common, concurrency: 7 }));
    await redis.startAgain();
    while ((await ask(queue, "/", post)).status !== 202);
    assert.match((await queue.metrics.expose()).body, /^outrigger_queue_concurrency 7$/m);
    await queue.reload(parseWorkQueueConfig({ ...common, rate: "1/1h" }));
    const client = new Redis(redis.url);
    try {
      // The window of before has its second first, then one of an hour begins.
      while ((await client.pttl("bull:requests:limiter")) <= 60_000)
        await (await ask(queue, "/", post)).arrayBuffer();
    } finally {
      client.disconnect();
      await queue.stop();
      await redis.end();
    }
  },
);
