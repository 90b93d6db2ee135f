/** What watching a job opens, and leaves behind. */
import assert from "node:assert/strict";
import { EventEmitter } from "node:events";
import { test } from "node:test";
import { OutriggerError } from "@outrigger/core";
import { VirtualClock } from "@outrigger/core/testing";
import { JobWatches } from "./job-watches.ts";
import { Waits } from "./waits.ts";

const caller = { onLeft: () => {} };

test("one set of events serves all who watch, and nothing is left of those who have ended", () => {
  let opened = 0;
  const watches = new JobWatches({
    clock: new VirtualClock(),
    openEvents: () => (opened++, new EventEmitter()),
  });
  const all = ["a", "a", "b"].map((id) => watches.watch(id, caller));
  assert.deepEqual([opened, watches.jobs], [1, 2]);
  for (const watch of all) watch.end();
  assert.equal(watches.jobs, 0);
});

test("after all were let go no events are opened, and whoever comes finds it over", () => {
  const watches = new JobWatches({ clock: new VirtualClock(), openEvents: () => assert.fail("opened") });
  watches.letGo();
  assert.equal(watches.watch("a", caller).isOver, true);
});

test("events that cannot be opened leave nobody counted, and are opened for the next", async () => {
  const clock = new VirtualClock();
  let isAway = true;
  const watches = new JobWatches({
    clock,
    openEvents: () => {
      if (isAway) throw new OutriggerError("backend-away", "it is away");
      return new EventEmitter();
    },
  });
  const waits = new Waits({ clock, watches, find: async () => null });
  await assert.rejects(waits.ended("a", 1_000, caller), { code: "backend-away" });
  assert.deepEqual([waits.count, watches.jobs], [0, 0]);
  isAway = false;
  assert.equal(await waits.ended("a", 1_000, caller), null);
});
