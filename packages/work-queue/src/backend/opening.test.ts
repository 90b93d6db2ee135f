/** On a backend that ends what is awaited when it is cut, as all do. */
import assert from "node:assert/strict";
import { getEventListeners } from "node:events";
import { test } from "node:test";
import { OutriggerError } from "@outrigger/core";
import { VirtualClock } from "@outrigger/core/testing";
import type { Backend } from "./backend.ts";
import { opening } from "./opening.ts";

function opened(limit: number | null = 60_000) {
  const clock = new VirtualClock();
  const stop = new AbortController();
  let lose = (_why: Error): void => {};
  let cuts = 0;
  let settle = { resolve: (_opened: string): void => {}, reject: (_why: Error): void => {} };
  const backend = {
    lost: new Promise<Error>((resolve) => (lose = resolve)),
    cut: () => {
      cuts++;
      settle.reject(new Error("it was cut"));
    },
  } as unknown as Backend;
  const open = (): Promise<string> => new Promise((resolve, reject) => (settle = { resolve, reject }));
  const result = opening(backend, clock, limit, stop.signal, open);
  result.catch(() => {});
  return {
    ...{ clock, stop, result, lose },
    settled: () => settle,
    cuts: () => cuts,
    listeners: () => getEventListeners(stop.signal, "abort").length,
  };
}

const unreachable = (message: string) => ({ code: "backend-unreachable", message });

test("what is opened in time is had, and nothing is cut by what comes later", async () => {
  const { clock, stop, result, lose, settled, cuts, listeners } = opened();
  clock.advance(59_999);
  settled().resolve("queue");
  assert.equal(await result, "queue");
  lose(new Error("later"));
  stop.abort();
  await clock.advanceAsync(60_000);
  assert.deepEqual([cuts(), listeners()], [0, 0]);
});

test("what takes longer than its limit is given up, and cut", async () => {
  const { clock, result, cuts, listeners } = opened();
  clock.advance(60_000);
  await assert.rejects(result, unreachable("it was not opened within 1m"));
  assert.deepEqual([cuts(), listeners()], [1, 0]);
});

test("without a limit it may take its time", async () => {
  const { clock, result, settled } = opened(null);
  clock.advance(3_600_000);
  settled().resolve("database");
  assert.equal(await result, "database");
});

test("the first connection that is lost, or a stop, gives it up with its own words", async () => {
  const lost = opened();
  lost.lose(new OutriggerError("redis-unreachable", "no connection to Redis"));
  await assert.rejects(lost.result, { code: "redis-unreachable", message: "no connection to Redis" });
  const stopped = opened();
  stopped.stop.abort();
  await assert.rejects(stopped.result, unreachable("it was given up before it was opened"));
  assert.deepEqual([lost.cuts(), stopped.cuts()], [1, 1]);
});

test("what is opened as it is given up is not had", async () => {
  const { stop, result, settled } = opened();
  settled().resolve("queue");
  stop.abort();
  await assert.rejects(result, unreachable("it was given up before it was opened"));
});

test("why it cannot be opened is said as it is", async () => {
  const { result, settled, cuts } = opened();
  settled().reject(new OutriggerError("not-durable", "no append-only file"));
  await assert.rejects(result, { code: "not-durable" });
  assert.equal(cuts(), 0);
});
