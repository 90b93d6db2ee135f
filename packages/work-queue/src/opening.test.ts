/** A backend that ends while a queue is opened on it, at whichever of its words: it is away, and the queue goes on trying, or stops. */
import { noPostgresServer, noRedisServer, PostgresServer, RedisServer } from "@outrigger/core/testing";
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { createWorkQueue } from "./work-queue.ts";
import { ask, openedQueue } from "./testing/opened-queue.ts";
import { Passage } from "./testing/passage.ts";
import { Workload } from "./testing/workload.ts";

const SERVERS = [
  ["Redis", () => RedisServer.start(["--appendonly", "yes"]), noRedisServer],
  ["Postgres", () => PostgresServer.start(), noPostgresServer],
] as const;

describe("a backend that ends while a queue is opened", { concurrency: true }, () => {
  for (const [name, start, skip] of SERVERS)
    test(`${name}: the start goes on, and a job is done when it is back`, { skip }, async (t) => {
      const [server, workload] = await Promise.all([start(), Workload.start()]);
      t.after(async () => void (await Promise.all([workload.end(), server.end()])));
      const passage = await Passage.to(server.url);
      t.after(() => passage.end());
      let cuts = 0;
      const opened = async (pieces: number): Promise<boolean> => {
        passage.cutAfter(pieces);
        const queue = await openedQueue({
          ...{ backend: passage.url, workload: workload.url, queue: `q${pieces}`, board: true },
          schedules: ["yearly = 0 0 29 2 * GET /"],
        });
        const wasCut = passage.wasCut;
        passage.cutAfter(Infinity);
        try {
          for (let status = 0; status !== 200;) {
            ({ status } = await ask(queue, "/", { method: "POST", headers: { prefer: "wait=20" } }));
            assert.ok([200, 202, 503].includes(status), `${status}`);
          }
        } finally {
          await queue.stop();
        }
        return wasCut;
      };
      // More and more of it, until all of the opening gets through.
      for (let pieces = 1; await opened(pieces); pieces += 1 + Math.floor(pieces / 8)) cuts++;
      assert.ok(cuts > 5, `${cuts}`);
    });

  for (const [name, start, skip] of SERVERS)
    for (const then of ["closes", "refuses", "is mute"] as const)
      test(
        `${name}, which ${then} from then on: the start ends, and so does the stop`,
        { skip },
        async (t) => {
          const [server, workload] = await Promise.all([start(), Workload.start()]);
          t.after(async () => void (await Promise.all([workload.end(), server.end()])));
          const opened = async (pieces: number): Promise<boolean> => {
            const passage = await Passage.to(server.url);
            passage.cutAfter(pieces, then);
            const queue = createWorkQueue({
              ...{ backend: passage.url, workload: workload.url, queue: `q${pieces}`, listen: "127.0.0.1:0" },
              schedules: ["yearly = 0 0 29 2 * GET /"],
            });
            let hasStarted = false;
            const starting = queue.start().then(() => (hasStarted = true));
            if (then !== "is mute") await starting;
            // Of one that is mute it would wait for the words' own limits.
            while (!passage.wasCut && !hasStarted) await pause(1);
            const { wasCut } = passage;
            await queue.stop();
            await starting;
            passage.end();
            return wasCut;
          };
          let cuts = 0;
          for (let pieces = 1; await opened(pieces); pieces += 1 + Math.floor(pieces / 8)) cuts++;
          assert.ok(cuts > 5, `${cuts}`);
        },
      );
});
