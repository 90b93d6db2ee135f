import assert from "node:assert/strict";
import { test } from "node:test";
import { Lifecycle } from "../lifecycle/lifecycle.ts";
import type { DataListener } from "../lifecycle/data-listener.ts";
import { silentLogger, type Logger } from "../log/logger.ts";
import { VirtualClock } from "../testing/virtual-clock.ts";
import { drainWithinGrace } from "./drain.ts";

const TIMES = { grace: 20_000, settle: 1_000, egressQuiet: 500 };

/** Has one connection that stays until it is cut. */
const held: DataListener = {
  name: "held",
  role: "egress",
  connections: () => 1,
  inFlight: () => 1,
  stopAccepting: () => Promise.resolve(),
  drain: (signal) =>
    new Promise((resolve) => {
      if (signal.aborted) resolve(1);
      else signal.addEventListener("abort", () => resolve(1));
    }),
};

/** @param settled what a /drain before the signal has taken of settle */
function draining(close: () => Promise<void>, listener = held, settled = 0) {
  const clock = new VirtualClock(1_000);
  const said: string[] = [];
  const say = (_fields: object, message: string): void => void said.push(`${clock.now()} ${message}`);
  const log: Logger = { ...silentLogger, info: say, warn: say };
  const lifecycle = new Lifecycle(clock, log);
  lifecycle.ready();
  const parts = { listeners: [listener], times: TIMES };
  const ended: DataListener[] = [];
  const report = drainWithinGrace("SIGTERM", {
    reloader: { close },
    gateDrain: { takeOver: () => settled, listenerEnded: (each) => void ended.push(each) },
    lifecycle,
    clock,
    log,
    listeners: () => parts.listeners,
    times: () => parts.times,
  });
  return { clock, said, parts, report, ended };
}

test("a reload that never ends has half of grace, and the listeners what is left of it, not all of it again", async () => {
  const { clock, said, report } = draining(() => new Promise(() => {}));
  await clock.advanceAsync(30_000);
  assert.deepEqual(said, [
    "11000 a reload has not ended in half of the grace period: what it opens is not drained",
    "11000 draining",
    "21000 stopped: the grace period ended before all requests did",
  ]);
  assert.deepEqual(await report, { cut: 1, took: 10_000 });
  assert.equal(clock.pendingTimers, 0);
});

test("a reload that ends is waited for, and its listeners and times are those that drain", async () => {
  let end = (): void => {};
  const { clock, said, parts, report } = draining(() => new Promise((resolve) => (end = resolve)));
  await clock.advanceAsync(4_000);
  assert.deepEqual(said, []);
  parts.listeners = [held, held];
  parts.times = { ...TIMES, grace: 10_000 };
  end();
  await clock.advanceAsync(30_000);
  assert.deepEqual(said, ["5000 draining", "11000 stopped: the grace period ended before all requests did"]);
  assert.deepEqual(await report, { cut: 2, took: 6_000 });
  assert.equal(clock.pendingTimers, 0);
});

test("what a /drain has taken of settle is not waited for again, and its drain is told of each listener's end", async () => {
  const ingress: DataListener = { ...held, role: "ingress", drain: () => Promise.resolve(0) };
  for (const [settled, took] of [
    [0, 1_000],
    [400, 600],
    [5_000, 0],
  ] as const) {
    const { clock, report, ended } = draining(() => Promise.resolve(), ingress, settled);
    await clock.advanceAsync(2_000);
    assert.deepEqual(await report, { cut: 0, took });
    assert.deepEqual(ended, [ingress]);
  }
});
