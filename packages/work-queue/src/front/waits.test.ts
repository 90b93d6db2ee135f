/** Waiting for a job's end, with and without events. */
import assert from "node:assert/strict";
import { EventEmitter } from "node:events";
import { beforeEach, test } from "node:test";
import { VirtualClock } from "@outrigger/core/testing";
import type { JobState, Standing } from "../job/standing.ts";
import { JobWatches } from "./job-watches.ts";
import { Waits } from "./waits.ts";

let clock: VirtualClock;
let events: EventEmitter;
let state: JobState;
let looks: number;
let opened: number;
let watches: JobWatches;
let waits: Waits;
let leave: () => void;
const caller = { onLeft: (listener: () => void) => void (leave = listener) };

beforeEach(() => {
  clock = new VirtualClock();
  events = new EventEmitter();
  state = "waiting";
  looks = 0;
  const find = async (id: string): Promise<Standing | null> => {
    looks++;
    return { id, state, attempts: 1, answer: null, failure: null };
  };
  opened = 0;
  const openEvents = (): EventEmitter => {
    opened++;
    return events;
  };
  watches = new JobWatches({ clock, openEvents });
  waits = new Waits({ clock, watches, find });
});

const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

test("an event ends the wait at once, and what is told was read from the backend", async () => {
  const waited = waits.ended("one", 10_000, caller);
  await settle();
  assert.equal(waits.count, 1);
  state = "done";
  events.emit("completed", { jobId: "other" });
  await settle();
  assert.equal(looks, 1);
  events.emit("completed", { jobId: "one" });
  assert.equal((await waited)?.state, "done");
  assert.equal(waits.count, 0);
});

test("several callers of one job hear of its end", async () => {
  const waited = [waits.ended("one", 10_000, caller), waits.ended("one", 10_000, caller)];
  await settle();
  state = "done";
  events.emit("completed", { jobId: "one" });
  for (const standing of await Promise.all(waited)) assert.equal(standing?.state, "done");
});

test("those who wait can be let go, and nobody waits afterwards", async () => {
  const waited = waits.ended("one", 10_000, caller);
  await settle();
  watches.letGo();
  assert.equal(await waited, null);
  assert.equal(await waits.ended("two", 10_000, caller), null);
  assert.equal(waits.count, 0);
});

test("the queue's events are read once somebody waits, and not before", async () => {
  assert.equal(opened, 0);
  const waited = [waits.ended("one", 1_000, caller), waits.ended("two", 1_000, caller)];
  await settle();
  clock.advance(1_000);
  await Promise.all(waited);
  assert.equal(opened, 1);
});

test("whoever waits first is told soon of what ended before events were heard", async () => {
  const waited = waits.ended("one", 60_000, caller);
  await settle();
  state = "done";
  clock.advance(24);
  await settle();
  assert.equal(looks, 1);
  clock.advance(1);
  assert.equal((await waited)?.state, "done");
});

test("whoever waits first looks less and less often", async () => {
  const waited = waits.ended("one", 60_000, caller);
  for (const pause of [25, 50, 100, 200, 400, 800, 1_600, 3_200, 5_000, 5_000]) {
    await settle();
    const before = looks;
    clock.advance(pause - 1);
    await settle();
    assert.equal(looks, before);
    clock.advance(1);
    await settle();
    assert.equal(looks, before + 1);
  }
  state = "done";
  events.emit("completed", { jobId: "one" });
  await waited;
});

test("an event that was missed delays, and loses nothing", async () => {
  const first = waits.ended("other", 1, caller);
  await settle();
  clock.advance(5_000);
  await first;
  looks = 0;
  const waited = waits.ended("one", 60_000, caller);
  await settle();
  state = "failed";
  clock.advance(4_999);
  await settle();
  assert.equal(looks, 1);
  clock.advance(1);
  assert.equal((await waited)?.state, "failed");
});

test("an event between the look and the wait is not lost", async () => {
  const waited = waits.ended("one", 60_000, caller);
  // The look has begun, and finds it unfinished; then it ends.
  events.emit("completed", { jobId: "one" });
  state = "waiting";
  await settle();
  state = "done";
  await settle();
  assert.ok(looks >= 2);
  events.emit("completed", { jobId: "one" });
  assert.equal((await waited)?.state, "done");
});

test("whoever has waited so long is told so, and whoever has left is not waited with", async () => {
  const late = waits.ended("one", 3_000, caller);
  await settle();
  clock.advance(3_000);
  assert.equal(await late, null);
  const left = waits.ended("two", 60_000, caller);
  await settle();
  leave();
  assert.equal(await left, null);
  assert.equal(waits.count, 0);
});
