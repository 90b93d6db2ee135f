import assert from "node:assert/strict";
import { test } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import { VirtualClock } from "../testing/index.ts";
import { collectStartGarbage } from "./start-garbage.ts";

test("the garbage of the start is collected once, when the start is over", async () => {
  const clock = new VirtualClock();
  const asked: unknown[] = [];
  collectStartGarbage(clock, (how) => asked.push(how));
  assert.deepEqual(asked, []);
  await clock.advanceAsync(60_000);
  assert.deepEqual(asked, [{ type: "major", execution: "sync", flavor: "last-resort" }]);
  assert.equal(clock.pendingTimers, 0);
});

/** Made here, so that no caller has it in its hands. */
const garbage = (): WeakRef<object> => new WeakRef({});

test("a Node that was started without a flag collects, and nobody else gets the means", async () => {
  const clock = new VirtualClock();
  const left = garbage();
  collectStartGarbage(clock);
  await turn(); // Until then what a WeakRef was made of is kept.
  await clock.advanceAsync(60_000);
  assert.equal(left.deref(), undefined);
  assert.equal((globalThis as { gc?: unknown }).gc, undefined);
});
