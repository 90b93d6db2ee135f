/** Who is told of a job's end, whatever dies or is away on the way. */
import assert from "node:assert/strict";
import { EventEmitter } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import type { ServerResponse } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, beforeEach, describe, test } from "node:test";
import {
  createMetrics,
  OutriggerError,
  silentLogger,
  systemClock,
  type Clock,
  type Metrics,
} from "@outrigger/core";
import {
  eventually,
  noPostgresServer,
  noRedisServer,
  PostgresServer,
  RedisServer,
  VirtualClock,
} from "@outrigger/core/testing";
import type { Backend } from "../backend/backend.ts";
import { openBackend } from "../backend/open-backend.ts";
import { parseWorkQueueConfig, type WorkQueueInput } from "../config/config.ts";
import type { JobState, Standing } from "../job/standing.ts";
import { Receiver, type Told } from "../testing/receiver.ts";
import { Workload } from "../testing/workload.ts";
import { QueueWorker } from "../worker/queue-worker.ts";
import { createWorkQueue, type WorkQueue } from "../work-queue.ts";
import { Webhooks, wordsOf } from "./webhooks.ts";

const scratch = mkdtempSync(join(tmpdir(), "outrigger-webhooks-"));
const webhookSecretFile = join(scratch, "key");
writeFileSync(webhookSecretFile, "key");
const redis = noRedisServer ? null : await RedisServer.start(["--appendonly", "yes"]);
const postgres = noPostgresServer ? null : await PostgresServer.start();
const workload = await Workload.start();
const receiver = await Receiver.start();
const opened: { stop(): Promise<void> }[] = [];
after(async () => {
  for (const one of opened) await one.stop();
  await receiver.end();
  await workload.end();
  await redis?.end();
  await postgres?.end();
  rmSync(scratch, { recursive: true, force: true });
});
beforeEach(() => {
  receiver.told.length = 0;
  receiver.answer = (response) => void response.end();
  workload.behave = (_seen, response) => void response.end("ok");
});

let queues = 0;
const settings = (input: Partial<WorkQueueInput>): WorkQueueInput => ({
  backend: redis?.url as string,
  ...{ workload: workload.url, listen: "127.0.0.1:0", queue: `q${queues}` },
  ...{ attempts: 3, backoff: "1ms", webhooks: receiver.url, webhookSecretFile },
  ...input,
});
async function open(input: Partial<WorkQueueInput> = {}): Promise<WorkQueue> {
  // No pause between calls.
  const queue = createWorkQueue(settings(input), { random: () => 0 });
  opened.push(queue);
  await queue.start();
  return queue;
}
const urlOf = (queue: WorkQueue): string =>
  `http://${queue.listeners.find(({ name }) => name === "front")?.addresses?.[0]}`;
async function add(queue: WorkQueue): Promise<string> {
  const response = await fetch(urlOf(queue), { method: "POST", body: "x" });
  return ((await response.json()) as { id: string }).id;
}
const called = async ({ metrics }: { metrics: Metrics }, outcome: string): Promise<number> => {
  const { body } = await metrics.expose();
  return Number(new RegExp(`webhooks_total\\{outcome="${outcome}"\\} (\\d+)`).exec(body)?.[1] ?? 0);
};
async function until(holds: () => Promise<boolean>): Promise<void> {
  for (
    const end = Date.now() + 20_000;
    !(await holds());
    await new Promise((resolve) => setImmediate(resolve))
  )
    if (Date.now() > end) assert.fail("in twenty seconds it did not come true");
}

for (const [kind, skip, backend] of [
  ["embedded", false, `embedded:${join(scratch, "queue")}`],
  ["redis", noRedisServer, redis?.url],
  ["postgres", noPostgresServer, postgres?.url],
] as const)
  test(`each end is told, once it is one, and no attempt before it (${kind})`, { skip }, async () => {
    queues++;
    const queue = await open({ backend: backend as string });
    const stood: unknown[] = [];
    const answer = async (response: ServerResponse, { body }: Told): Promise<void> => {
      const { state } = (await (await fetch(`${urlOf(queue)}/jobs/${body.id}`)).json()) as { state: string };
      stood.push(state === body.state);
      response.end();
    };
    receiver.answer = (response, told) => void answer(response, told);
    workload.behave = ({ headers }, response) => {
      if (headers["outrigger-attempt"] === "1") response.writeHead(500).end();
      else response.writeHead(201).end("done");
    };
    const done = await add(queue);
    await eventually("the first is told", () => receiver.told.length === 1);
    workload.behave = (_seen, response) => response.writeHead(404).end();
    const refused = await add(queue);
    await eventually("the second is told", () => receiver.told.length === 2);
    workload.behave = (_seen, response) => response.writeHead(500).end();
    const failed = await add(queue);
    await eventually("the third is told", () => receiver.told.length === 3);
    let held = false;
    workload.behave = () => void (held = true);
    const cancelled = await add(queue);
    await eventually("the fourth runs", () => held);
    await fetch(`${urlOf(queue)}/jobs/${cancelled}`, { method: "DELETE" });
    await eventually("the fourth is told", () => receiver.told.length === 4);
    const told = receiver.told.map(({ body: { id, state, attempts, status, reason } }) => [
      ...[id, state, attempts, status, reason],
    ]);
    assert.deepEqual(told, [
      [done, "done", 2, 201, undefined],
      [refused, "failed", 1, 404, "refused"],
      [failed, "failed", 3, 500, "attempts"],
      [cancelled, "failed", 1, undefined, "cancelled"],
    ]);
    await until(async () => (await called(queue, "told")) === 4);
    assert.deepEqual(stood, [true, true, true, true]);
    assert.equal(receiver.told[0]?.headers["outrigger-job"], done);
    await queue.stop();
  });

test(
  "a target that does not take it is told again, by a front, too, where no worker is left",
  { skip: noRedisServer },
  async () => {
    queues++;
    const worker = await open({ role: "worker" });
    const front = await open({ role: "front", webhooks: [] });
    receiver.answer = (response) => response.writeHead(503).end();
    const id = await add(front);
    await eventually("it was tried", () => receiver.told.length > 3);
    await worker.stop();
    receiver.told.length = 0;
    receiver.answer = (response) => void response.end();
    const other = await open({ role: "front" });
    await eventually("it is told", () => receiver.told.length === 1);
    assert.equal(receiver.told[0]?.body.id, id);
    await until(async () => (await called(other, "told")) === 1);
  },
);

test("each of several targets is told by itself", { skip: noRedisServer }, async () => {
  queues++;
  const other = await Receiver.start();
  opened.push({ stop: () => other.end() });
  let refusals = 0;
  other.answer = (response) => void response.writeHead(refusals++ < 5 ? 500 : 200).end();
  const queue = await open({ webhooks: [receiver.url, other.url] });
  const id = await add(queue);
  await eventually("both are told", () => receiver.told.length === 1 && other.told.length === 6);
  assert.deepEqual([...new Set([...receiver.told, ...other.told].map(({ body }) => body.id))], [id]);
});

test("it stops while its backend is away, also before it knows", { skip: noRedisServer }, async () => {
  for (const how of ["crashed", "stopped"]) {
    queues++;
    const away = await RedisServer.start(["--appendonly", "yes"]);
    const queue = await open({ backend: away.url });
    let isCalled = false;
    receiver.answer = () => void (isCalled = true);
    await add(queue);
    await eventually("a call is under way", () => isCalled);
    if (how === "crashed") await away.crash();
    else away.kill("SIGSTOP");
    await queue.stop();
    await away.end();
  }
});

test("each of sixteen targets is told, on Postgres", { skip: noPostgresServer }, async () => {
  queues++;
  const webhooks = Array.from({ length: 16 }, (_, at) => `${receiver.url}&target=${at}`);
  const queue = await open({ backend: postgres?.url as string, webhooks });
  await add(queue);
  await eventually("all are told", () => receiver.told.length === 16);
  assert.equal(new Set(receiver.told.map(({ path }) => path)).size, 16);
});

describe("a word", { skip: noRedisServer }, () => {
  const standing = (state: JobState, attempts: number, id = "one"): Standing => ({
    ...{ id, state, attempts, answer: null, failure: null },
  });
  async function words(
    find: (id: string) => Promise<Standing | null>,
    webhooks = [receiver.url],
    clock: Clock = systemClock,
  ) {
    const backend = await openBackend(parseWorkQueueConfig({ backend: redis?.url as string }));
    const metrics = createMetrics();
    const hooks = new Webhooks(
      backend,
      { queue: `q${++queues}`, webhooks, webhookSecretFile, lockDuration: 1_000 },
      { clock, log: silentLogger, metrics, random: () => 0, find },
    );
    opened.push({
      stop: async () => {
        await hooks.end();
        await backend.close();
      },
    });
    return { hooks, metrics, backend };
  }

  test("is kept back until the job has ended", async () => {
    let looks = 0;
    const { hooks } = await words(async () => standing(looks++ < 4 ? "running" : "done", 1));
    await hooks.keep(standing("done", 1));
    await eventually("it is told", () => receiver.told.length === 1);
    assert.equal(receiver.told[0]?.body.state, "done");
    assert.ok(looks >= 5);
  });

  test("of an end that did not come is dropped: the next attempt brings its own", async () => {
    const { hooks, metrics } = await words(async () => standing("running", 2));
    await hooks.keep(standing("done", 1));
    await until(async () => (await called({ metrics }, "dropped")) === 1);
    assert.equal(receiver.told.length, 0);
  });

  test("of a job that is not kept any more is told as it was kept", async () => {
    const { hooks } = await words(async () => null);
    await hooks.keep(standing("done", 1));
    await eventually("it is told", () => receiver.told.length === 1);
    assert.deepEqual(receiver.told[0]?.body, { id: "one", state: "done", attempts: 1 });
  });

  test("is left to those who know its target: one with an older list takes none of its words", async () => {
    const both = await words(async () => null, [receiver.url, `${receiver.url}b`]);
    const queue = `q${queues}`;
    const old = new Webhooks(
      both.backend,
      { queue, webhooks: [receiver.url], webhookSecretFile, lockDuration: 1_000 },
      {
        clock: systemClock,
        log: silentLogger,
        metrics: createMetrics(),
        random: () => 0,
        find: async () => null,
      },
    );
    opened.push({ stop: () => old.end() });
    for (let at = 0; at < 30; at++) await both.hooks.keep(standing("done", 1, `${at}`));
    await eventually("each is told of each", () => receiver.told.length === 60);
  });

  test("of a target that answers is told while another one hangs", async () => {
    const silent = await Receiver.start();
    opened.push({ stop: () => silent.end() });
    silent.answer = () => {};
    const { hooks } = await words(async () => null, [silent.url, receiver.url]);
    for (let at = 0; at < 40; at++) await hooks.keep(standing("done", 1, `${at}`));
    await eventually("all are told", () => receiver.told.length === 40);
  });

  test("that hangs holds up no end: its call is ended", async () => {
    // No time limit ends it.
    const { hooks, metrics } = await words(async () => null, [receiver.url], new VirtualClock());
    let isClosed = false;
    receiver.answer = (response) => void response.once("close", () => (isClosed = true));
    await hooks.keep(standing("done", 1));
    await eventually("it is called", () => receiver.told.length === 1);
    let hasEnded = false;
    void hooks.end().then(() => (hasEnded = true));
    await eventually("the call and the webhooks end", () => isClosed && hasEnded);
    assert.equal(await called({ metrics }, "again"), 1);
  });

  test("that was tried for four hours is given up; one that waited so long for somebody to tell it is told", async () => {
    const { metrics, backend } = await words(async () => null);
    const queue = backend.openQueue(wordsOf(`q${queues}`, receiver.url));
    const word = { standing: { id: "one", state: "done", attempts: 1 } } as never;
    const old = { attempts: 3, backoff: { type: "custom" }, timestamp: Date.now() - 5 * 3_600_000 };
    await queue.add("webhook", word, old);
    await eventually("it is told", () => receiver.told.length === 1);
    // What its first call, now, begins: it is tried on, whatever became of others before.
    receiver.answer = (response) => void response.writeHead(receiver.told.length < 4 ? 500 : 200).end();
    await queue.add("webhook", word, old);
    await eventually("it is told", () => receiver.told.length === 4);
    receiver.answer = (response) => void response.writeHead(500).end();
    const tried = { standing: { id: "two" }, triedSince: Date.now() - 5 * 3_600_000 } as never;
    await queue.add("webhook", tried, old);
    await until(async () => (await called({ metrics }, "given-up")) === 1);
    assert.deepEqual([receiver.told.length, await called({ metrics }, "again")], [4, 2]);
  });

  test("that is old and was never tried is given up where its target took none for as long, and not before", async () => {
    let later = 0;
    const clock: Clock = {
      ...{ now: () => systemClock.now() + later, wallTime: () => systemClock.wallTime() + later },
      ...{ timer: systemClock.timer.bind(systemClock), sleep: systemClock.sleep.bind(systemClock) },
    };
    const { hooks, metrics } = await words(async () => null, [receiver.url], clock);
    receiver.answer = (response) => void response.writeHead(500).end();
    await hooks.keep(standing("done", 1, "first"));
    await until(async () => (await called({ metrics }, "again")) > 0);
    later = 5 * 3_600_000;
    await until(async () => (await called({ metrics }, "given-up")) === 1);
    const backend = await openBackend(parseWorkQueueConfig({ backend: redis?.url as string }));
    const queue = backend.openQueue(wordsOf(`q${queues}`, receiver.url));
    const word = { standing: { id: "old", state: "done", attempts: 1 } } as never;
    await queue.add("webhook", word, { attempts: 3, timestamp: Date.now() - later });
    await until(async () => (await called({ metrics }, "given-up")) === 2);
    assert.ok(!receiver.told.some(({ body }) => body.id === "old"));
    await backend.close();
  });

  test("that was kept, and is kept again since nobody said so, is told once", async () => {
    const { hooks } = await words(async () => null);
    const answers: (() => void)[] = [];
    receiver.answer = (response) => void answers.push(() => response.end());
    for (let at = 0; at < 3; at++) await hooks.keep(standing("done", 1));
    await hooks.keep(standing("done", 2));
    await eventually("both are told", () => answers.length === 2);
    for (const answer of answers) answer();
    assert.deepEqual(new Set(receiver.told.map(({ body }) => body.attempts)), new Set([1, 2]));
  });
});

test("a job does not end before its word is kept, however long that takes; at the end of the worker it is handed back", async () => {
  const clock = new VirtualClock();
  let adds = 0;
  let isAway = true;
  const fake = Object.assign(new EventEmitter(), {
    add: async () => {
      adds++;
      if (isAway) throw new Error("away");
    },
    close: async () => {},
  });
  const backend = { openQueue: () => fake, openWorker: () => fake } as unknown as Backend;
  const hooks = new Webhooks(
    backend,
    { queue: "q", webhooks: [receiver.url], webhookSecretFile, lockDuration: 1_000 },
    { clock, log: silentLogger, metrics: createMetrics(), random: Math.random, find: async () => null },
  );
  const standing: Standing = { id: "one", state: "done", attempts: 1, answer: null, failure: null };
  let kept = false;
  void hooks.keep(standing).then(() => (kept = true));
  await clock.advanceAsync(60_000);
  assert.deepEqual([kept, adds], [false, 61]);
  isAway = false;
  await clock.advanceAsync(1_000);
  assert.equal(kept, true);
  isAway = true;
  const cut = hooks.keep(standing);
  await clock.advanceAsync(0);
  void hooks.end();
  await assert.rejects(cut, (thrown) => OutriggerError.from(thrown).code === "worker-ends");
});

test("a job that BullMQ itself gives up is told afterwards, others are not told twice", async () => {
  const worker = new EventEmitter();
  const told: Standing[] = [];
  const backend = { openWorker: () => worker } as unknown as Backend;
  const created = new QueueWorker(backend, parseWorkQueueConfig(settings({ webhooks: [] })), {
    ...{ clock: systemClock, log: silentLogger, random: Math.random, metrics: createMetrics() },
    ...{ cancellations: { onAsked: () => {} } as never, bodies: {} as never, contract: {} as never },
    pauseQueue: async () => {},
    ending: async (standing) => void told.push(standing),
  });
  assert.equal(created.running, 0);
  const error = new Error("job stalled more than allowable limit");
  worker.emit("failed", { id: "again", attemptsStarted: 3, finishedOn: null }, error);
  worker.emit("failed", undefined, error);
  assert.deepEqual(told, []);
  worker.emit("failed", { id: "one", attemptsStarted: 11, finishedOn: 1 }, error);
  const failure = { reason: "stalled", message: error.message };
  assert.deepEqual(told, [{ id: "one", attempts: 11, state: "failed", answer: null, failure }]);
});
