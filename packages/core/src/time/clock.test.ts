import assert from "node:assert/strict";
import { test } from "node:test";
import { VirtualClock } from "../testing/virtual-clock.ts";
import { systemClock } from "./clock.ts";

test("sleep resolves on time, or rejects with the signal's reason and leaves no timer", async () => {
  const clock = new VirtualClock();
  const abort = new AbortController();
  const [slept, aborted] = [clock.sleep(100), clock.sleep(200, abort.signal)];
  clock.advance(100);
  await slept;
  const reason = new Error("enough");
  abort.abort(reason);
  await assert.rejects(aborted, reason);
  assert.equal(clock.pendingTimers, 0);
  await assert.rejects(clock.sleep(1, AbortSignal.abort(reason)), reason);
  assert.equal(clock.pendingTimers, 0);
});

test("the virtual clock fires timers in order of their time, each at its own", () => {
  const clock = new VirtualClock();
  const fired: [string, number][] = [];
  clock.timer(30, () => fired.push(["b", clock.now()]));
  const again = clock.timer(10, () => fired.push(["a", clock.now()]));
  clock.timer(20, () => fired.push(["cleared", clock.now()])).clear();
  clock.advance(15);
  again.refresh();
  clock.advance(100);
  assert.deepEqual(fired, [
    ["a", 10],
    ["a", 25],
    ["b", 30],
  ]);
});

test("the system clock's timer fires after its span, can be refreshed and cleared", async () => {
  const start = systemClock.now();
  await new Promise<void>((resolve) => {
    let fired = 0;
    const timer = systemClock.timer(5, () => {
      if (++fired === 2) resolve();
      else timer.refresh();
    });
  });
  assert.ok(systemClock.now() - start >= 9);
  systemClock.timer(0, () => assert.fail("cleared timers do not fire")).clear();
  await systemClock.sleep(5);
});

test("a span of more than 24.8 days, which Node's timers cannot hold, is taken in parts that they can", (context) => {
  const waits: { fire: () => void; delay: number }[] = [];
  context.mock.method(globalThis, "setTimeout", (fire: () => void, delay: number) => {
    waits.push({ fire, delay });
    return { unref: () => {} };
  });
  const longest = 2 ** 31 - 1;
  const span = 2 * longest + 5_000;
  let fired = 0;
  systemClock.timer(span, () => fired++, { unref: true });
  for (let n = 0; n < waits.length && n < 10; n++) waits[n]?.fire();
  assert.deepEqual(
    waits.map(({ delay }) => delay),
    [longest, longest, 5_000],
  );
  assert.equal(fired, 1);
});

test("a long span can be refreshed, which starts it anew, and cleared", (context) => {
  const armed = new Map<object, number>();
  context.mock.method(globalThis, "setTimeout", (_: () => void, delay: number) => {
    const timeout = { unref: () => {} };
    armed.set(timeout, delay);
    return timeout;
  });
  context.mock.method(globalThis, "clearTimeout", (timeout: object) => void armed.delete(timeout));
  const long = systemClock.timer(30 * 86_400_000, () => assert.fail("nothing fires here"));
  long.refresh();
  assert.deepEqual([...armed.values()], [2 ** 31 - 1]);
  long.clear();
  assert.equal(armed.size, 0);
});
