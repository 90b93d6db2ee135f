import assert from "node:assert/strict";
import { test } from "node:test";
import { VirtualClock } from "../testing/index.ts";
import { collectStartGarbage } from "./start-garbage.ts";

test("the garbage of the start is collected once, when the start is over; without a collector nothing is", async () => {
  const clock = new VirtualClock();
  const asked: unknown[] = [];
  assert.notEqual(
    collectStartGarbage(clock, (how) => asked.push(how)),
    null,
  );
  assert.deepEqual(asked, []);
  await clock.advanceAsync(60_000);
  assert.deepEqual(asked, [{ type: "major", execution: "sync", flavor: "last-resort" }]);
  assert.equal(clock.pendingTimers, 0);
  assert.equal(collectStartGarbage(clock, undefined), null);
});
