/** Following a job, with and without events, until it ends, the caller leaves, or the front does. */
import assert from "node:assert/strict";
import { EventEmitter } from "node:events";
import { beforeEach, test } from "node:test";
import { OutriggerError } from "@outrigger/core";
import { VirtualClock } from "@outrigger/core/testing";
import type { ServedRequest } from "@outrigger/proxy";
import type { JobState, Standing } from "../job/standing.ts";
import { Followers } from "./followers.ts";
import { JobWatches } from "./job-watches.ts";

let clock: VirtualClock;
let events: EventEmitter;
/** null: the job is gone; an error: the backend is away. */
let state: JobState | null | Error;
let looks: number;
let attempts = 1;
let watches: JobWatches;
let followers: Followers;

const standing = (of: JobState): Standing => ({
  id: "one",
  state: of,
  attempts,
  answer: null,
  failure: null,
});

beforeEach(() => {
  clock = new VirtualClock();
  events = new EventEmitter();
  state = "waiting";
  looks = 0;
  attempts = 1;
  const find = async (): Promise<Standing | null> => {
    looks++;
    if (state instanceof Error) throw state;
    return state === null ? null : standing(state);
  };
  watches = new JobWatches({ clock, openEvents: () => events });
  followers = new Followers({ clock, watches, find });
});

class Caller {
  text = "";
  isEnded = false;
  isFull = false;
  leave = (): void => {};
  read = (): void => {};

  beginStream(status: number, fields: readonly (readonly string[])[]): void {
    assert.deepEqual([status, fields[0]], [200, ["content-type", "text/event-stream"]]);
  }

  write(piece: Buffer): Promise<void> | null {
    this.text += piece.toString();
    return this.isFull ? new Promise((resolve) => (this.read = resolve)) : null;
  }

  endStream(): void {
    this.isEnded = true;
  }

  onLeft(listener: () => void): void {
    this.leave = listener;
  }

  follow(): Promise<void> {
    return followers.follow(this as unknown as ServedRequest, standing("waiting"), ({ id }) => ({ id }));
  }

  get told(): string[] {
    return [...this.text.matchAll(/^event: (.*)$/gm)].map(([, name]) => name as string);
  }
}

const settle = (): Promise<void> => clock.advanceAsync(0);
async function become(next: typeof state, event: string, jobId = "one"): Promise<void> {
  state = next;
  events.emit(event, { jobId });
  await settle();
}

test("each state is told once, as it comes, and the end ends it", async () => {
  const caller = new Caller();
  const followed = caller.follow();
  await settle();
  await become("running", "active");
  await become("running", "active");
  await become("waiting", "delayed");
  await become("waiting", "active", "other");
  await become("done", "completed");
  await followed;
  assert.deepEqual(caller.told, ["waiting", "running", "waiting", "done"]);
  assert.ok(caller.text.startsWith('event: waiting\ndata: {"id":"one"}\n\nevent: running\n'), caller.text);
  assert.ok(caller.text.endsWith('event: done\nid: done\ndata: {"id":"one"}\n\n'), caller.text);
  assert.ok(caller.isEnded);
});

test("one that begins between the reading of its state and of its attempts is told waiting once", async () => {
  attempts = 0;
  const caller = new Caller();
  const request = caller as unknown as ServedRequest;
  void followers.follow(request, standing("waiting"), (job) => ({ attempts: job.attempts }));
  await settle();
  attempts = 1;
  await become("waiting", "active");
  await become("running", "active");
  assert.deepEqual(caller.told, ["waiting", "running"]);
  caller.leave();
  await settle();
});

test("what is over is told, and ends at once; so is what has gone", async () => {
  for (const [last, told] of [
    ["failed", "failed"],
    [null, "removed"],
  ] as const) {
    state = last;
    const caller = new Caller();
    await caller.follow();
    assert.deepEqual([caller.told, caller.isEnded], [[told], true]);
  }
});

test("an event that was missed delays, and loses nothing; a backend that is away ends nothing", async () => {
  const caller = new Caller();
  const followed = caller.follow();
  await settle();
  state = new Error("away");
  await clock.advanceAsync(60_000);
  state = "done";
  assert.deepEqual(caller.told, ["waiting"]);
  await clock.advanceAsync(5_000);
  await followed;
  assert.deepEqual(caller.told, ["waiting", "done"]);
});

test("an end within the first moments, while events may not be heard yet, is told then", async () => {
  const caller = new Caller();
  const followed = caller.follow();
  await settle();
  state = "done";
  await clock.advanceAsync(25);
  await followed;
  assert.deepEqual(caller.told, ["waiting", "done"]);
});

test("a change while it was being read, the first time and later, is told at once", async () => {
  const caller = new Caller();
  const followed = caller.follow();
  for (const next of ["running", "done"] as const) {
    // The look that is under way has the state from before.
    events.emit("active", { jobId: "one" });
    state = next;
    events.emit("active", { jobId: "one" });
    await settle();
  }
  await followed;
  assert.equal(caller.told.at(-1), "done");
});

test("a stream that has nothing to tell says so every fifteen seconds", async () => {
  const caller = new Caller();
  void caller.follow();
  await clock.advanceAsync(14_999);
  assert.doesNotMatch(caller.text, /^:/m);
  await clock.advanceAsync(1);
  assert.equal(caller.text.split("\n:\n\n").length, 2);
  await clock.advanceAsync(45_000);
  assert.equal(caller.text.match(/^:$/gm)?.length, 4);
  caller.leave();
});

test("whoever does not read is told no more until it does, and then what is so by then", async () => {
  const caller = new Caller();
  caller.isFull = true;
  const followed = caller.follow();
  await settle();
  for (const next of ["running", "waiting", "running", "waiting"] as const) await become(next, "active");
  await clock.advanceAsync(60_000);
  assert.deepEqual([caller.told, caller.text.includes("\n:\n")], [["waiting"], false]);
  caller.isFull = false;
  state = "done";
  caller.read();
  await followed.catch(() => {});
  assert.deepEqual(caller.told, ["waiting", "done"]);
});

test("a caller that leaves frees all, and nothing looks where nobody follows", async () => {
  const callers = [new Caller(), new Caller()];
  const followed = callers.map((caller) => caller.follow());
  await settle();
  assert.deepEqual([followers.count, events.listenerCount("active")], [2, 1]);
  for (const caller of callers) caller.leave();
  await Promise.all(followed);
  assert.deepEqual([followers.count, clock.pendingTimers], [0, 0]);
  assert.deepEqual([callers[0]?.isEnded, callers[1]?.isEnded], [false, false]);
  const before = looks;
  await clock.advanceAsync(60_000);
  assert.equal(looks, before);
});

test("those who follow can be let go: each has been told how it stands", async () => {
  const caller = new Caller();
  const followed = caller.follow();
  await settle();
  watches.letGo();
  await followed;
  const late = new Caller();
  await late.follow();
  for (const one of [caller, late]) assert.deepEqual([one.told, one.isEnded], [["waiting"], true]);
});

test("no more than a thousand follow; whoever comes then is refused before anything is answered", async () => {
  const callers = Array.from({ length: 1_000 }, () => new Caller());
  const followed = callers.map((caller) => caller.follow());
  const refused = new Caller();
  await assert.rejects(
    refused.follow(),
    (thrown) => OutriggerError.from(thrown).code === "too-many-followers",
  );
  assert.equal(refused.text, "");
  await settle();
  for (const caller of callers) caller.leave();
  await Promise.all(followed);
  const one = new Caller();
  state = "done";
  await one.follow();
  assert.deepEqual(one.told, ["done"]);
});
