/** The whole of it in this process, on a folder: what callers and the workload see. */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer as createHttpServer } from "node:http";
import { createServer, type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, beforeEach, test } from "node:test";
import { eventually, freePort, noRedisServer, RedisServer, VirtualClock } from "@outrigger/core/testing";
import { ask as askOf, openedQueue, outcome, told } from "./testing/opened-queue.ts";
import { Workload } from "./testing/workload.ts";
import { createWorkQueue, type WorkQueue } from "./work-queue.ts";

const scratch = mkdtempSync(join(tmpdir(), "outrigger-work-queue-"));
const workload = await Workload.start();
beforeEach(() => {
  workload.seen.length = 0;
  workload.behave = (_seen, response) => void response.end("ok");
});

const open = (input: Omit<Parameters<typeof openedQueue>[0], "workload">): Promise<WorkQueue> =>
  openedQueue({ workload: workload.url, maxBody: "1KiB", ...input });
const queue = await open({ backend: `embedded:${join(scratch, "queue")}` });
// In this order: a database whose files are gone may not come to its end.
after(async () => {
  await queue.stop();
  await workload.end();
  rmSync(scratch, { recursive: true, force: true });
});

const ask = (path: string, init: RequestInit = {}, of = queue): Promise<Response> => askOf(of, path, init);
const post = (path: string, body: string, headers: Record<string, string> = {}): Promise<Response> =>
  ask(path, { method: "POST", body, headers });

async function workloadIsReady(of: WorkQueue, value: 0 | 1): Promise<void> {
  while (!(await of.metrics.expose()).body.includes(`outrigger_queue_workload_ready ${value}`))
    await new Promise((resolve) => setImmediate(resolve));
}

test("a caller that waits has the workload's own answer", async () => {
  workload.behave = ({ target }, response) => {
    response.writeHead(201, [...["Set-Cookie", "a=1", "Set-Cookie", "b=2", "X-Path", target]]);
    response.end(Buffer.from([0, 255, 10]));
  };
  const answer = await post("/things?x=%20", "one", { prefer: "wait=30" });
  assert.equal(answer.status, 201);
  assert.deepEqual(answer.headers.getSetCookie(), ["a=1", "b=2"]);
  assert.equal(answer.headers.get("x-path"), "/things?x=%20");
  assert.match(answer.headers.get("outrigger-job") ?? "", /^[0-9a-f]{32}$/);
  assert.deepEqual(Buffer.from(await answer.arrayBuffer()), Buffer.from([0, 255, 10]));
});

test("a caller that waits has 202 when its time is up, and the answer later", async () => {
  let finish = (): void => {};
  workload.behave = (_seen, response) => void (finish = () => response.end("late"));
  const accepted = await post("/slow", "x", { prefer: "wait=1" });
  assert.equal(accepted.status, 202);
  const { id, location } = await told(accepted);
  assert.equal(accepted.headers.get("location"), location);
  assert.equal((await ask(`${location}/result`)).status, 404);
  finish();
  assert.equal((await outcome(queue, id)).state, "done");
  assert.equal(await (await ask(`${location}/result`)).text(), "late");
});

test("what the workload refuses is not tried again; the caller has its answer, and the job says why", async () => {
  workload.behave = (_seen, response) => response.writeHead(422).end("no such thing");
  const answer = await post("/", "x", { prefer: "wait=30" });
  assert.deepEqual([answer.status, await answer.text()], [422, "no such thing"]);
  assert.equal(workload.seen.length, 1);
  const job = await told(await ask(`/jobs/${answer.headers.get("outrigger-job")}`));
  assert.deepEqual([job.state, job.reason, job.status], ["failed", "refused", 422]);
});

test("what the workload could not do is tried again, and it is told which attempt it is", async () => {
  workload.behave = ({ headers }, response) => {
    const attempt = headers["outrigger-attempt"];
    if (attempt === "1") response.writeHead(503).end();
    else if (attempt === "2") response.socket?.resetAndDestroy();
    else response.end("at last");
  };
  const answer = await post("/", "x", { prefer: "wait=30" });
  assert.deepEqual([answer.status, await answer.text()], [200, "at last"]);
  assert.deepEqual(
    workload.seen.map(({ headers }) => headers["outrigger-attempt"]),
    ["1", "2", "3"],
  );
  assert.equal(new Set(workload.seen.map(({ headers }) => headers["outrigger-job"])).size, 1);
});

test("what fails each time is kept as failed, with the last answer", async () => {
  workload.behave = (_seen, response) => response.writeHead(500).end("broken");
  const { id } = await told(await post("/", "x"));
  const job = await outcome(queue, id);
  assert.deepEqual([job.state, job.reason, job.attempts, job.status], ["failed", "attempts", 3, 500]);
  assert.equal(workload.seen.length, 3);
});

test("a request with the key of an earlier one is that one; another request with it is refused", async () => {
  const key = { "idempotency-key": "order-7" };
  const first = await told(await post("/orders", "one", key));
  const again = await told(await post("/orders", "one", key));
  assert.equal(again.id, first.id);
  await outcome(queue, first.id);
  const late = await told(await post("/orders", "one", key));
  assert.deepEqual([late.id, late.state], [first.id, "done"]);
  assert.equal(workload.seen.length, 1);
  for (const [path, body] of [
    ["/orders", "two"],
    ["/other", "one"],
  ] as const) {
    const refused = await post(path, body, key);
    assert.deepEqual([refused.status, (await told(refused)).error], [422, "key-reused"]);
  }
  assert.notEqual((await told(await post("/orders", "one"))).id, first.id);
});

test("a body that is too large is refused, and so is whoever asks for what is not there", async () => {
  const large = await post("/", "x".repeat(1_025));
  assert.deepEqual([large.status, large.headers.get("x-outrigger-reason")], [413, "body-too-large"]);
  assert.equal((await ask(`/jobs/${"0".repeat(32)}`)).status, 404);
  const { id } = await told(await post("/", "x".repeat(1_024)));
  assert.equal((await ask(`/jobs/${id}`, { method: "PUT" })).status, 405);
  await outcome(queue, id);
});

test("a job waits out its delay, the most urgent of those that wait is first, and a rule beats the caller", async () => {
  const redis = await RedisServer.start(["--appendonly", "yes"]);
  const timed = await open({
    backend: redis.url,
    concurrency: 1,
    rules: "GET *=pass; /ruled=queue?priority=1",
  });
  const send = async (path: string, headers: Record<string, string>): Promise<number> =>
    (await ask(path, { method: "POST", headers }, timed)).status;
  const sent = Date.now();
  let goOn = (): void => {};
  workload.behave = (_seen, response) => void (goOn = () => response.end());
  assert.equal(await send("/first", {}), 202);
  await eventually("it runs", () => workload.seen.length === 1);
  const at: number[] = [sent];
  workload.behave = (_seen, response) => {
    at.push(Date.now());
    response.end("passed");
  };
  // It passes by the job that runs.
  assert.equal(await (await ask("/at-once", {}, timed)).text(), "passed");
  assert.equal(await send("/delayed", { "outrigger-delay": "700ms" }), 202);
  assert.equal(await send("/late", { "outrigger-priority": "9" }), 202);
  assert.equal(await send("/ruled", { "outrigger-priority": "20" }), 202);
  assert.equal(await send("/plain", {}), 202);
  assert.equal(await send("/bad", { "outrigger-priority": "urgent" }), 400);
  goOn();
  await eventually("all are done", () => workload.seen.length === 6);
  const delayed = workload.seen.findIndex(({ target }) => target === "/delayed");
  assert.ok((at[delayed] as number) - sent >= 700);
  assert.deepEqual(
    workload.seen.map(({ target }) => target).filter((target) => target !== "/delayed"),
    ["/first", "/at-once", "/plain", "/ruled", "/late"],
  );
  assert.ok(workload.seen.every(({ headers }) => headers["outrigger-priority"] === undefined));
  await timed.stop();
  await redis.end();
});

test("a job is not begun, nor goes on, after its deadline; who tries it again gives it all time", async () => {
  workload.behave = ({ target }, response) => void (target === "/ends" && response.end("in time"));
  const headers = { "outrigger-deadline": "500ms" };
  const { id } = await told(await post("/never-ends", "x", { "outrigger-deadline": "3s" }));
  await eventually("it runs", () => workload.seen.length === 1);
  // Four run at once, so that this one waits past its time.
  const [, , , waiting] = await Promise.all(
    [1, 2, 3, 4].map(async () => told(await post("/late", "x", headers))),
  );
  for (const one of [id, waiting?.id ?? ""]) {
    const job = await outcome(queue, one);
    assert.deepEqual([job.state, job.reason], ["failed", "deadline"]);
  }
  assert.match(String(workload.seen[0]?.headers["outrigger-deadline"]), /^\d{4}-.*Z$/);
  const seen = workload.seen.length;
  workload.behave = (_seen, response) => void response.end("late");
  const replay = queue.controlRoutes.find(({ path }) => path === "/dead-letters/replay");
  const query = new URLSearchParams({ id });
  await replay?.handle({
    path: "/dead-letters/replay",
    query,
    body: "",
    signal: new AbortController().signal,
  });
  while ((await told(await ask(`/jobs/${id}`))).state !== "done");
  assert.equal(workload.seen.length, seen + 1);
  assert.equal(workload.seen.at(-1)?.headers["outrigger-deadline"], undefined);
  assert.equal(
    await (await post("/ends", "x", { "outrigger-deadline": "1m", prefer: "wait=9" })).text(),
    "late",
  );
});

test("no attempt is spent on a workload that is down for an hour; its jobs are done when it is back", async () => {
  const redis = await RedisServer.start(["--appendonly", "yes"]);
  const port = await freePort();
  const clock = new VirtualClock();
  const patient = createWorkQueue(
    {
      backend: redis.url,
      listen: "127.0.0.1:0",
      workload: `http://127.0.0.1:${port}`,
      attempts: 1,
      // Hours pass in no time here, also for an attempt.
      timeout: "10000h",
      storeTimeout: "10000h",
    },
    { clock },
  );
  await patient.start();
  const ids: string[] = [];
  const keep = async (): Promise<void> => {
    const answer = await ask("/", { method: "POST", body: "x" }, patient);
    assert.equal(answer.status, 202);
    ids.push((await told(answer)).id);
  };
  await keep();
  clock.advance(3_600_000);
  await keep();
  const served: string[] = [];
  const late = createHttpServer((request, response) => {
    served.push(String(request.headers["outrigger-job"]));
    response.end();
  });
  const back = (): Promise<void> => new Promise((resolve) => late.listen(port, "127.0.0.1", () => resolve()));
  const done = (count: number): Promise<void> =>
    eventually("they are done", () => {
      clock.advance(100);
      return served.length === count;
    });
  await back();
  await done(2);
  // And again, as it goes while the worker takes it to be there.
  late.closeAllConnections();
  await new Promise((resolve) => late.close(resolve));
  await keep();
  await keep();
  await workloadIsReady(patient, 0);
  clock.advance(3_600_000);
  await back();
  await done(4);
  for (const id of ids) {
    let job = await told(await ask(`/jobs/${id}`, {}, patient));
    while (job.state === "running") job = await told(await ask(`/jobs/${id}`, {}, patient));
    assert.equal(job.state, "done");
  }
  assert.deepEqual([...served].sort(), [...ids].sort());
  await patient.stop();
  late.closeAllConnections();
  late.close();
  await redis.end();
});

test("a workload whose path says that it is not ready is given nothing until it does", async () => {
  const redis = await RedisServer.start(["--appendonly", "yes"]);
  let healthy = true;
  const wrong: string[] = [];
  workload.behave = ({ target }, response) => {
    if (target !== "/healthz" && !healthy) wrong.push(target);
    response.writeHead(healthy ? 200 : 503).end();
  };
  const careful = await open({ backend: redis.url, ready: "/healthz", attempts: 1 });
  await workloadIsReady(careful, 1);
  healthy = false;
  await workloadIsReady(careful, 0);
  const ids: string[] = [];
  for (const target of ["/a", "/b"])
    ids.push((await told(await ask(target, { method: "POST" }, careful))).id);
  // BullMQ takes one of them all the same: it is there again before the workload is asked the next time.
  const before = workload.seen.length;
  await eventually("it was asked", () => workload.seen.length > before);
  healthy = true;
  for (const id of ids) assert.equal((await outcome(careful, id)).state, "done");
  assert.deepEqual(wrong, []);
  await careful.stop();
  await redis.end();
});

test("a request beyond maxDepth is 429 until there is room again", { skip: noRedisServer }, async () => {
  const redis = await RedisServer.start(["--appendonly", "yes"]);
  const full = await open({ backend: redis.url, maxDepth: 2, concurrency: 1 });
  try {
    let finish: (() => void)[] = [];
    workload.behave = (_seen, response) => void finish.push(() => response.end("ok"));
    const add = (): Promise<Response> => ask("/", { method: "POST", body: "x" }, full);
    assert.deepEqual([(await add()).status, (await add()).status], [202, 202]);
    const refused = await add();
    assert.deepEqual(
      [refused.status, refused.headers.get("retry-after"), refused.headers.get("x-outrigger-reason")],
      [429, "5", "full"],
    );
    workload.behave = (_seen, response) => void response.end("ok");
    while (finish.length === 0) await new Promise((resolve) => setImmediate(resolve));
    for (const one of finish) one();
    finish = [];
    let status = 0;
    while (status !== 202) status = (await add()).status;
    const { body } = await full.metrics.expose();
    assert.match(body, /outrigger_queue_requests_total\{outcome="full"\} [1-9]/);
    assert.match(body, /outrigger_queue_requests_total\{outcome="kept"\} 3/);
  } finally {
    await full.stop();
    await redis.end();
  }
});

test("metrics say what became of requests and jobs", async () => {
  const answer = await post("/", "x", { prefer: "wait=30" });
  assert.equal(answer.status, 200);
  const { body } = await queue.metrics.expose();
  for (const series of [
    /outrigger_queue_attempts_total\{outcome="done"\} [1-9]/,
    /outrigger_queue_attempts_total\{outcome="again"\} [1-9]/,
    /outrigger_queue_attempts_total\{outcome="refused"\} [1-9]/,
    /outrigger_queue_wait_seconds_count [1-9]/,
    /outrigger_queue_run_seconds_count [1-9]/,
    /outrigger_queue_requests_total\{outcome="known"\} 2/,
    /outrigger_queue_requests_total\{outcome="key-reused"\} 2/,
    /outrigger_queue_requests_total\{outcome="body-too-large"\} 1/,
    /outrigger_queue_jobs\{state="failed"\} \d/,
    /outrigger_queue_reached 1/,
    /outrigger_queue_callers_waiting 0/,
    /outrigger_queue_running 0/,
  ])
    assert.match(body, series);
});

test("DELETE takes a job out that waits, ends one that runs, and comes too late for one that has ended", async () => {
  let left = 0;
  let held = 0;
  workload.behave = (_seen, response) => {
    held++;
    response.once("close", () => left++);
  };
  const running = await Promise.all(
    Array.from({ length: 4 }, async () => told(await post("/held", "x", { prefer: "wait=0" }))),
  );
  while (held < 4) await new Promise((resolve) => setImmediate(resolve));
  const waiting = await told(await post("/waits", "x"));
  const cancel = (id: string): Promise<Response> => ask(`/jobs/${id}`, { method: "DELETE" });
  const removed = await cancel(waiting.id);
  assert.deepEqual([removed.status, (await told(removed)).state], [200, "cancelled"]);
  assert.equal((await ask(`/jobs/${waiting.id}`)).status, 404);
  assert.equal((await cancel(waiting.id)).status, 404);
  for (const { id } of running) {
    const asked = await cancel(id);
    assert.deepEqual([asked.status, (await told(asked)).state], [202, "cancelling"]);
    const { state, reason } = await outcome(queue, id);
    assert.deepEqual([state, reason], ["failed", "cancelled"]);
    assert.equal((await cancel(id)).status, 409);
  }
  assert.equal(left, 4);
  assert.equal(workload.seen.filter(({ target }) => target === "/waits").length, 0);
});

test("callers' own credentials and words to the workload do not reach it", async () => {
  await post("/", "x", {
    authorization: "Bearer t",
    cookie: "a=1",
    "outrigger-job": "forged",
    prefer: "wait=30",
  });
  const [seen] = workload.seen;
  assert.deepEqual(
    [seen?.headers.authorization, seen?.headers.cookie, seen?.headers["prefer"]],
    [undefined, undefined, undefined],
  );
  assert.match(seen?.headers["outrigger-job"] as string, /^[0-9a-f]{32}$/);
});

test(
  "a request is 503 while the backend is away, never 202, and is taken once it is back",
  { skip: noRedisServer },
  async () => {
    const redis = await RedisServer.start(["--appendonly", "yes"]);
    const away = await open({ backend: redis.url, storeTimeout: "200ms" });
    try {
      const add = async (): Promise<number> => (await ask("/", { method: "POST", body: "x" }, away)).status;
      assert.equal(await add(), 202);
      redis.kill("SIGSTOP");
      assert.equal(await add(), 503);
      redis.kill("SIGCONT");
      await redis.crash();
      assert.equal(await add(), 503);
      await redis.startAgain();
      let status = 0;
      while (status !== 202) status = await add();
    } finally {
      await away.stop();
      await redis.end();
    }
  },
);

test(
  "a caller whose job is kept has 202, not 503, where the backend goes while it waits",
  { skip: noRedisServer },
  async () => {
    const redis = await RedisServer.start(["--appendonly", "yes"]);
    const front = await open({ backend: redis.url, role: "front", storeTimeout: "200ms" });
    try {
      const headers = { prefer: "wait=600" };
      const answer = ask("/", { method: "POST", body: "x", headers }, front);
      const waiting = /outrigger_queue_callers_waiting 1/;
      while (!waiting.test((await front.metrics.expose()).body))
        await new Promise((resolve) => setImmediate(resolve));
      await redis.crash();
      const { status, headers: fields } = await answer;
      assert.equal(status, 202);
      assert.match(fields.get("location") ?? "", /^\/jobs\/[0-9a-f]{32}$/);
    } finally {
      await front.stop();
      await redis.end();
    }
  },
);

test("a drain tells callers who wait that their jobs are kept", { skip: noRedisServer }, async () => {
  const redis = await RedisServer.start(["--appendonly", "yes"]);
  const front = await open({ backend: redis.url, role: "front" });
  const headers = { prefer: "wait=600" };
  const answer = ask("/", { method: "POST", body: "x", headers }, front);
  const waiting = /outrigger_queue_callers_waiting 1/;
  while (!waiting.test((await front.metrics.expose()).body))
    await new Promise((resolve) => setImmediate(resolve));
  const [listener] = front.listeners;
  assert.equal(await listener?.drain(new AbortController().signal), 0);
  assert.equal((await answer).status, 202);
  await front.stop();
  await redis.end();
});

test("a backend that accepts and says nothing is away: callers are told 503", async () => {
  const silent = createServer();
  await new Promise<void>((resolve) => silent.listen(0, "127.0.0.1", resolve));
  const { port } = silent.address() as AddressInfo;
  const away = await open({ backend: `redis://127.0.0.1:${port}` });
  assert.equal((await ask("/", { method: "POST", body: "x" }, away)).status, 503);
  silent.close();
  await away.stop();
});

test("one that is stopped while it starts does not listen", { skip: noRedisServer }, async () => {
  const redis = await RedisServer.start(["--appendonly", "yes"]);
  const hasty = createWorkQueue({ backend: redis.url, listen: "127.0.0.1:0" });
  const started = hasty.start();
  await hasty.stop();
  await started;
  assert.deepEqual(
    hasty.listeners.filter(({ name }) => name === "front"),
    [],
  );
  await redis.end();
});

test("a caller whose job fails without an answer while it waits is told so", async () => {
  workload.behave = (_seen, response) => void response.socket?.resetAndDestroy();
  const answer = await post("/", "x", { prefer: "wait=30" });
  assert.deepEqual([answer.status, (await told(answer)).state], [202, "failed"]);
});

test(
  "it starts without its backend, tells callers 503, and takes requests once it is there",
  { skip: noRedisServer },
  async () => {
    const redis = await RedisServer.start(["--appendonly", "yes"]);
    await redis.crash();
    const early = await open({ backend: redis.url });
    try {
      const startup = () => early.checks.find(({ kind }) => kind === "startup")?.check();
      const add = (): Promise<Response> => ask("/", { method: "POST", body: "x" }, early);
      const refused = await add();
      assert.deepEqual([refused.status, refused.headers.get("retry-after")], [503, "1"]);
      assert.deepEqual(startup(), { ok: false, detail: "redis is not reached yet" });
      await redis.startAgain();
      let status = 0;
      while (status !== 202) status = (await add()).status;
      assert.deepEqual(startup(), { ok: true, detail: "redis" });
    } finally {
      await early.stop();
      await redis.end();
    }
  },
);

test(
  "a worker that drains begins nothing, finishes what runs, and hands back what does not end in time",
  { skip: noRedisServer },
  async () => {
    const redis = await RedisServer.start(["--appendonly", "yes"]);
    // Nobody else would have the job within an hour, were it not handed back.
    const settings = { backend: redis.url, concurrency: 1, lockDuration: "1h", attempts: 1 };
    const opened: WorkQueue[] = [];
    const openAs = async (role: "front" | "worker"): Promise<WorkQueue> => {
      const one = await open({ ...settings, role });
      opened.push(one);
      return one;
    };
    const until = async (holds: () => boolean | Promise<boolean>): Promise<void> => {
      while (!(await holds())) await new Promise((resolve) => setImmediate(resolve));
    };
    try {
      const answers: (() => void)[] = [];
      workload.behave = (_seen, response) => void answers.push(() => response.end("done"));
      const front = await openAs("front");
      const add = async (): Promise<string> =>
        (await told(await ask("/", { method: "POST", body: "x" }, front))).id;
      const state = async (id: string): Promise<string> =>
        (await told(await ask(`/jobs/${id}`, {}, front))).state;
      const drain = (of: WorkQueue, grace: AbortSignal): Promise<number> | undefined => {
        const listener = of.listeners.find(({ name }) => name === "worker");
        listener?.drainBegins?.(grace, 60_000);
        return listener?.drain(grace);
      };
      const [first, second] = [await add(), await add()];
      const patient = await openAs("worker");
      await until(() => answers.length === 1);
      const drained = drain(patient, new AbortController().signal);
      answers[0]?.();
      assert.equal(await drained, 0);
      assert.deepEqual([await state(first), await state(second)], ["done", "waiting"]);

      const hurried = await openAs("worker");
      await until(() => answers.length === 2);
      await drain(hurried, AbortSignal.abort());
      assert.equal(await state(second), "waiting");

      workload.behave = (_seen, response) => void response.end("done");
      await openAs("worker");
      await until(async () => (await state(second)) === "done");
      assert.equal(workload.seen.length, 3);
    } finally {
      for (const one of opened) await one.stop();
      await redis.end();
    }
  },
);

test("a workload that says when to come again is left alone until then, by all jobs", async () => {
  const times: number[] = [];
  workload.behave = (_seen, response) => {
    times.push(performance.now());
    if (times.length > 1) response.end("ok");
    else response.writeHead(429, { "retry-after": "1" }).end();
  };
  const first = post("/", "x", { prefer: "wait=30" });
  while (times.length === 0) await new Promise((resolve) => setImmediate(resolve));
  assert.deepEqual([(await first).status, (await post("/", "y", { prefer: "wait=30" })).status], [200, 200]);
  for (const time of times.slice(1)) assert.ok(time - (times[0] as number) >= 990, times.join());
});

test("of two pauses that a workload asks for the longer one counts", { skip: noRedisServer }, async () => {
  const redis = await RedisServer.start(["--appendonly", "yes"]);
  const opened: WorkQueue[] = [];
  const openAs = async (role: "both" | "worker"): Promise<WorkQueue> => {
    opened.push(await open({ backend: redis.url, role }));
    return opened.at(-1) as WorkQueue;
  };
  try {
    const asked: { id: string; answer(pause: string): void }[] = [];
    const times: number[] = [];
    workload.behave = ({ headers }, response) => {
      if (asked.length === 2) {
        times.push(performance.now());
        response.end("ok");
      } else {
        const answer = (pause: string) => void response.writeHead(503, { "retry-after": pause }).end();
        asked.push({ id: String(headers["outrigger-job"]), answer });
      }
    };
    const front = await openAs("both");
    const headers = { prefer: "wait=30" };
    const jobs = ["x", "y"].map((body) => ask("/", { method: "POST", body, headers }, front));
    while (asked.length < 2) await new Promise((resolve) => setImmediate(resolve));
    const began = performance.now();
    for (const [at, pause] of ["2", "1"].entries()) {
      const { id, answer } = asked[at] as (typeof asked)[0];
      answer(pause);
      // The queue is paused before the attempt ends.
      while ((await told(await ask(`/jobs/${id}`, {}, front))).state === "running");
    }
    // One that has not heard of the first pause.
    await openAs("worker");
    for (const job of jobs) assert.equal((await job).status, 200);
    for (const time of times) assert.ok(time - began >= 1_990, `${time - began}`);
  } finally {
    for (const one of opened) await one.stop();
    await redis.end();
  }
});

test("an Idempotency-Key that is empty is refused: two callers' jobs would be one", async () => {
  const refused = await post("/", "x", { "idempotency-key": "" });
  assert.equal(refused.status, 400);
  assert.match((await told(refused)).message, /^Idempotency-Key is empty: /);
});

test(
  "a Redis that would lose jobs is refused, unless that is allowed by name",
  { skip: noRedisServer },
  async () => {
    const redis = await RedisServer.start(["--maxmemory-policy", "allkeys-lru"]);
    try {
      await assert.rejects(open({ backend: redis.url }), /appendonly yes.*--allow-loss no-aof/);
      await assert.rejects(
        open({ backend: redis.url, allowLoss: ["no-aof"] }),
        /maxmemory-policy allkeys-lru.*--allow-loss eviction/,
      );
      const allowed = await open({ backend: redis.url, allowLoss: "no-aof,eviction" });
      await allowed.stop();
    } finally {
      await redis.end();
    }
  },
);
