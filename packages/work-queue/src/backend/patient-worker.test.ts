/** A backend that refuses is asked again after a pause. What is counted is what it is asked, for as long as that takes. */
import { noPostgresServer, noRedisServer, PostgresServer, RedisServer } from "@outrigger/core/testing";
import { Redis } from "ioredis";
import assert from "node:assert/strict";
import { EventEmitter, once } from "node:events";
import { createServer, type AddressInfo } from "node:net";
import { describe, test, type TestContext } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { backendOption } from "../config/backend-option.ts";
import { Passage } from "../testing/passage.ts";
import { openBackend } from "./open-backend.ts";
import { NEXT_JOB, RETRY_DELAY, withPatience } from "./patient-worker.ts";

/** A backend that can refuse whatever is asked of it, and counts that. */
interface Refusing {
  readonly url: string;
  refuse(refuses: boolean): Promise<void>;
  /** Since it refuses. */
  refused(): Promise<number>;
}

/** As one whose disk is full, or whose replicas are away. */
async function redisThatRefuses(t: TestContext): Promise<Refusing> {
  const server = await RedisServer.start(["--appendonly", "yes"]);
  const asks = new Redis(server.port, "127.0.0.1");
  t.after(async () => {
    asks.disconnect();
    await server.end();
  });
  return {
    url: server.url,
    refuse: async (refuses) => {
      await asks.config("SET", "min-replicas-to-write", Number(refuses));
    },
    refused: async () =>
      Number(/errorstat_NOREPLICAS:count=(\d+)/.exec(await asks.info("errorstats"))?.[1] ?? 0),
  };
}

/** As one that starts. */
async function postgresThatRefuses(t: TestContext): Promise<Refusing> {
  const server = await PostgresServer.start();
  const passage = await Passage.to(server.url);
  let refused = 0;
  const fields = ["SFATAL", "VFATAL", "C57P03", "Mthe database system is starting up", ""];
  const words = Buffer.from(`E\0\0\0\0${fields.map((field) => `${field}\0`).join("")}`);
  words.writeInt32BE(words.length - 1, 1);
  const stand = createServer((socket) => {
    refused++;
    socket.on("error", () => {});
    socket.once("data", () => socket.end(words));
  });
  stand.listen(0, "127.0.0.1");
  await once(stand, "listening");
  t.after(async () => {
    passage.end();
    stand.close();
    await server.end();
  });
  return {
    url: passage.url,
    refuse: async (refuses) => {
      const { port } = stand.address() as AddressInfo;
      passage.leadTo(refuses ? `postgres://127.0.0.1:${port}` : server.url);
      passage.cut();
    },
    refused: async () => refused,
  };
}

describe("a worker whose backend refuses", { concurrency: true }, () => {
  for (const [name, start, skip] of [
    ["Redis", redisThatRefuses, noRedisServer],
    ["Postgres", postgresThatRefuses, noPostgresServer],
  ] as const)
    test(`${name}: pauses each time, tells of it as often, and goes on when it may`, { skip }, async (t) => {
      const server = await start(t);
      const backend = await openBackend({ backend: backendOption.parse(server.url) });
      const queue = backend.openQueue<string, void>("patient");
      queue.on("error", () => {});
      // More than are begun at once: it has found some, and asks for another.
      await queue.addBulk(["one", "two", "three"].map((data) => ({ name: "job", data })));
      const done = new Set<string>();
      let began = 0;
      const work = async ({ data }: { data: string }): Promise<void> => {
        done.add(data);
        if (began !== 0) return;
        began = performance.now();
        await server.refuse(true);
      };
      const worker = backend.openWorker<string, void>("patient", work, { lockDuration: 60_000 });
      const told: string[] = [];
      worker.on("error", ({ message }) => told.push(message));
      while ((await server.refused()) < 8) await pause(20);
      const pauses = Math.ceil((performance.now() - began) / RETRY_DELAY);
      const refused = await server.refused();
      // By the worker, by what it listens on, and by its look for jobs that are stalled.
      assert.ok(refused <= 3 + 3 * pauses, `${refused} refusals in ${pauses} pauses`);
      for (const message of new Set(told)) {
        const times = told.filter((one) => one === message).length;
        assert.ok(times <= 1 + pauses, `${message}: ${times} times in ${pauses} pauses`);
      }
      await server.refuse(false);
      while (done.size < 3) await pause(20);
      await backend.close();
    });
});

test(
  "Postgres: one that could not note a job's end goes on, and closes where it still cannot",
  { skip: noPostgresServer },
  async (t) => {
    const server = await PostgresServer.start();
    t.after(() => server.end());
    const backend = await openBackend({ backend: backendOption.parse(server.url) });
    const queue = backend.openQueue<string, void>("ends");
    queue.on("error", () => {});
    const words = (): Promise<string> =>
      queue.count().then(
        () => "",
        (thrown: Error) => thrown.message,
      );
    let begun = 0;
    const work = async (): Promise<void> => {
      if (++begun === 2) return;
      await server.crash();
      // What it asks next has one of the few errors that BullMQ itself pauses after.
      while (!(await words()).includes("ECONNREFUSED")) await pause(20);
    };
    await queue.addBulk(["one", "two", "three"].map((data) => ({ name: "job", data })));
    const worker = backend.openWorker<string, void>("ends", work, { lockDuration: 60_000 });
    worker.on("error", () => {});
    const ended: string[] = [];
    worker.on("completed", ({ data }) => ended.push(data));
    const waits = worker.delay.bind(worker);
    let pauses = 0;
    worker.delay = (...span) => (pauses++, waits(...span));
    while (pauses === 0) await pause(20);
    await server.startAgain();
    while (begun < 3) await pause(20);
    // The first's end may be left to its lock: by another error, of a server that starts.
    assert.ok(ended.includes("two"), String(ended));
    for (const before = pauses; pauses === before;) await pause(20);
    await backend.close();
  },
);

test("one that is closed does not wait for the end of its pause", async (t) => {
  const fake = Object.assign(new EventEmitter(), {
    isPaused: () => false,
    async [NEXT_JOB](): Promise<unknown> {
      throw new Error("NOREPLICAS");
    },
    // Ends by its signal alone.
    delay: (_span: number, ends: AbortController | null) => once((ends as AbortController).signal, "abort"),
  });
  const worker = withPatience(fake);
  const warnings = t.mock.method(process, "emitWarning", () => {}).mock;
  const told: unknown[] = [];
  worker.on("error", (error) => told.push(error));
  const asked = worker[NEXT_JOB]();
  while (told.length === 0) await pause(1);
  // As BullMQ does after an error that it knows, where it never waited for a rate; for more jobs than EventTarget thinks well of.
  const noted = Promise.all(Array.from({ length: 20 }, () => worker.delay(RETRY_DELAY, null)));
  worker.emit("closing");
  assert.equal(await asked, undefined);
  await noted;
  assert.equal(await worker[NEXT_JOB](), undefined);
  assert.deepEqual([told.length, warnings.callCount()], [1, 0]);
});
