/** What a schedule promises, on every backend. */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { after, afterEach, before, describe, it } from "node:test";
import {
  eventually,
  noPostgresServer,
  noRedisServer,
  PostgresServer,
  RedisServer,
} from "@outrigger/core/testing";
import { openBackend } from "../backend/open-backend.ts";
import { backendOption } from "../config/backend-option.ts";
import { parseWorkQueueConfig, type WorkQueueInput } from "../config/config.ts";
import { ask, openedQueue, outcome, told } from "../testing/opened-queue.ts";
import { Workload, type Seen } from "../testing/workload.ts";
import type { WorkQueue } from "../work-queue.ts";
import { schedulesOf, type ScheduleStanding } from "./schedules.ts";

const scratch = mkdtempSync(join(tmpdir(), "outrigger-schedules-"));
after(() => rmSync(scratch, { recursive: true, force: true }));
const redis = noRedisServer ? null : await RedisServer.start(["--appendonly", "yes"]);
after(() => redis?.end());
const postgres = noPostgresServer ? null : await PostgresServer.start();
after(() => postgres?.end());
const BACKENDS = [
  ["embedded", `embedded:${scratch}`, false],
  ["redis", redis?.url, noRedisServer],
  ["postgres", postgres?.url, noPostgresServer],
] as const;

const timeOf = ({ headers }: Seen): string => String(headers["outrigger-scheduled-for"]);
const metric = async (queue: WorkQueue, series: string): Promise<number> => {
  const { body } = await queue.metrics.expose();
  return Number(
    body
      .split("\n")
      .find((line) => line.startsWith(`${series} `))
      ?.split(" ")[1] ?? 0,
  );
};
const listed = async (queue: WorkQueue): Promise<ScheduleStanding[]> => {
  const route = queue.controlRoutes.find(({ path }) => path === "/schedules");
  const reply = await route?.handle({
    path: "/schedules",
    query: new URLSearchParams(),
    body: "",
    signal: AbortSignal.timeout(10_000),
  });
  return (reply as { json: ScheduleStanding[] }).json;
};

// Each waits for the clock, most of the time.
describe("schedules", { concurrency: true }, () => {
  for (const [name, backend, skip] of BACKENDS)
    describe(name, { skip, concurrency: 1 }, () => {
      let workload: Workload;
      before(async () => (workload = await Workload.start()));
      after(() => workload.end());
      const opened: WorkQueue[] = [];
      let queues = 0;
      const common = () => ({ backend: backend as string, workload: workload.url, queue: `q${queues}` });
      const open = async (input: Omit<WorkQueueInput, "backend">): Promise<WorkQueue> => {
        const queue = await openedQueue({ ...input, ...common() });
        opened.push(queue);
        return queue;
      };
      const stop = async (): Promise<void> => {
        await Promise.all(opened.splice(0).map((queue) => queue.stop()));
      };
      const until = async (what: string, holds: () => Promise<boolean>): Promise<void> => {
        // One look after the other: none is left when the queue is stopped.
        for (const end = Date.now() + 20_000; !(await holds()); await pause(25))
          assert.ok(Date.now() < end, `it did not come true that ${what}`);
      };
      afterEach(async () => {
        workload.behave = (_seen, response) => void response.end("ok");
        await stop();
        workload.seen.length = 0;
        queues++;
      });

      it("makes a job of each of its times, as of any request, and of no time two", async () => {
        const input = {
          schedules: ["tick = every 1s POST /t?x=1"],
          rules: ["/t=queue?deadline=1h&attempts=7", "GET *=pass"],
        };
        // Two fronts, but where one process has the database.
        const queue = await open(input);
        if (name !== "embedded") await open({ ...input, role: "front" });
        await eventually("three times have come", () => workload.seen.length >= 3);
        const [seen] = workload.seen as [Seen];
        assert.deepEqual(
          [seen.method, seen.target, seen.headers.host],
          ["POST", "/t?x=1", new URL(workload.url).host],
        );
        assert.equal(seen.headers["outrigger-schedule"], "tick");
        const times = workload.seen.map(timeOf);
        for (const time of times) assert.match(time, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.000Z$/);
        assert.equal(new Set(times).size, times.length, times.join());
        assert.ok(Date.parse(String(seen.headers["outrigger-deadline"])) > Date.now() + 3_000_000);
        const id = String(seen.headers["outrigger-job"]);
        assert.match(id, /^[0-9a-f]{32}$/);
        assert.equal((await outcome(queue, id)).state, "done");
        assert.equal(await (await ask(queue, `/jobs/${id}/result`)).text(), "ok");
      });

      it("tells of one time that passed while nobody was there, once, and goes on with those to come", async () => {
        const schedules = ["tick = every 1s GET /"];
        await open({ schedules });
        await eventually("it runs", () => workload.seen.length >= 1);
        await stop();
        // Of those that came until then one may be a job that waits; of those to come there is one word.
        const stopped = Date.now();
        const beside = await openBackend({ backend: backendOption.parse(backend) });
        const [word] = await beside.openQueue(schedulesOf(common().queue)).getJobSchedulers();
        await beside.close();
        await eventually("three times have passed", () => Date.now() > stopped + 4_000);
        const again = Date.now();
        const doneBefore = workload.seen.length;
        const second = await open({ schedules });
        const times = (): number[] => workload.seen.map((seen) => Date.parse(timeOf(seen)));
        await eventually("it goes on", () => times().filter((time) => time > again).length >= 2);
        assert.equal(new Set(times()).size, times().length, times().join());
        const passed = times().filter((time) => time > stopped && time < again - 1_000);
        assert.ok(passed.length <= 1, `${passed.join()}: of ${stopped} to ${again}`);
        // Where a job of before waited, too, it is passed over for that one, which is done.
        const overlapped = 'outrigger_queue_schedules_total{schedule="tick",outcome="overlapped"}';
        assert.ok(
          times().includes(word?.next ?? 0) ||
            ((await metric(second, overlapped)) > 0 &&
              times()
                .slice(doneBefore)
                .some((time) => time < (word?.next ?? 0))),
          "the one that waited",
        );
      });

      it("passes over the times that come before its last job has ended", async () => {
        let answer = (): void => {};
        workload.behave = (_seen, response) => void (answer = () => response.end("ok"));
        const queue = await open({ schedules: ["slow = every 1s GET /"] });
        const overlapped = 'outrigger_queue_schedules_total{schedule="slow",outcome="overlapped"}';
        await until("two times were passed over", async () => (await metric(queue, overlapped)) >= 2);
        assert.equal(workload.seen.length, 1);
        workload.behave = (_seen, response) => void response.end("ok");
        answer();
        await eventually("it goes on", () => workload.seen.length >= 2);
      });

      it("goes on after a job that was given up, and after one that was taken out while it waited", async () => {
        workload.behave = (_seen, response) => void response.writeHead(400).end();
        const queue = await open({ schedules: ["poor = every 1s GET /"], backoff: "1h", maxBackoff: "1h" });
        await eventually("one is given up, another begins", () => workload.seen.length >= 2);
        const idOf = (seen: Seen | undefined): string => String(seen?.headers["outrigger-job"]);
        assert.equal((await outcome(queue, idOf(workload.seen[0]))).reason, "refused");
        const before = workload.seen.length;
        workload.behave = (_seen, response) => void response.writeHead(500).end();
        await eventually("one waits to be tried again", () => workload.seen.length > before);
        const id = idOf(workload.seen.at(-1));
        await until(
          "it waits",
          async () => (await told(await ask(queue, `/jobs/${id}`))).state === "waiting",
        );
        assert.equal((await ask(queue, `/jobs/${id}`, { method: "DELETE" })).status, 200);
        await eventually("another begins", () => idOf(workload.seen.at(-1)) !== id);
      });

      it(
        "makes one job of a time, also where its front ended before it had noted that",
        { skip: name === "embedded" && "one process has the database" },
        async () => {
          const queue = await open({ schedules: ["idle = 0 0 29 2 * GET /"] });
          const beside = await openBackend({ backend: backendOption.parse(backend) });
          try {
            const words = beside.openQueue<object, void>(schedulesOf(common().queue));
            const word = { method: "GET", target: "/once", seed: "s" };
            const kept = 'outrigger_queue_schedules_total{schedule="idle",outcome="kept"}';
            for (const count of [1, 2]) {
              await words.add("schedule", word, { jobId: "repeat:idle:1000", removeOnComplete: true });
              await until(`it was kept ${count} times`, async () => (await metric(queue, kept)) === count);
              await eventually("it is begun", () => workload.seen.length === 1);
              const id = String(workload.seen[0]?.headers["outrigger-job"]);
              assert.equal((await outcome(queue, id)).state, "done");
            }
            // What came after them is done, and they were not done again.
            await outcome(queue, (await told(await ask(queue, "/after", { method: "POST" }))).id);
            assert.deepEqual(
              workload.seen.map((seen) => [seen.target, timeOf(seen)]),
              [
                ["/once", "1970-01-01T00:00:01.000Z"],
                ["/after", "undefined"],
              ],
            );
          } finally {
            await beside.close();
          }
        },
      );

      it("is changed and removed by a front's list, and not by a worker that has none", async () => {
        const queue = await open({
          schedules: ["a = every 1s GET /a", "b = 0 3 * * * Europe/Berlin POST /b"],
        });
        await until("they are there", async () => (await listed(queue)).length === 2);
        const [a, b] = (await listed(queue)) as [ScheduleStanding, ScheduleStanding];
        assert.deepEqual([a.name, a.when, a.target], ["a", "every 1000", "/a"]);
        assert.deepEqual([b.name, b.when, b.zone, b.method], ["b", "0 3 * * *", "Europe/Berlin", "POST"]);
        assert.match(b.next, /T0[12]:00:00\.000Z$/);
        const next = 'outrigger_queue_schedule_next_timestamp_seconds{schedule="b"}';
        await until(
          "its next time is told",
          async () => (await metric(queue, next)) === Date.parse(b.next) / 1_000,
        );
        if (name !== "embedded") {
          await open({ role: "worker" });
          assert.equal((await listed(queue)).length, 2);
        }
        const changed = { schedules: ["a = every 1s GET /changed"], listen: "127.0.0.1:0" };
        await queue.reload(parseWorkQueueConfig({ ...changed, backoff: "1ms", attempts: 3, ...common() }));
        await eventually("it is changed", () => workload.seen.some(({ target }) => target === "/changed"));
        assert.deepEqual(
          (await listed(queue)).map(({ target }) => target),
          ["/changed"],
        );
        await stop();
        // A front whose list is empty.
        const other = await open({});
        await until("it is removed", async () => (await listed(other)).length === 0);
      });
    });
});
