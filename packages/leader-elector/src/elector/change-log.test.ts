import assert from "node:assert/strict";
import { test } from "node:test";
import { ChangeLog } from "./change-log.ts";

const entries = (log: ChangeLog<number>, after: string) => {
  const { changes, complete } = log.after(after);
  return [changes.map(({ entry }) => entry), complete];
};

test("whoever knows the latest change gets none, and whoever was away gets what came after", () => {
  const log = new ChangeLog<number>("a1");
  const start = log.latest;
  assert.deepEqual(entries(log, start), [[], true]);
  log.add(1);
  const first = log.latest;
  log.add(2);
  log.add(3);
  assert.deepEqual(entries(log, start), [[1, 2, 3], true]);
  assert.deepEqual(entries(log, first), [[2, 3], true]);
  assert.deepEqual(entries(log, log.latest), [[], true]);
});

test("what is not kept any more is said to be missing", () => {
  const log = new ChangeLog<number>("a1");
  const start = log.latest;
  for (let n = 1; n <= 256; n++) log.add(n);
  assert.equal(log.after(start).complete, true);
  log.add(257);
  const { changes, complete } = log.after(start);
  assert.deepEqual([changes.length, changes[0]?.entry, complete], [256, 2, false]);
});

test("an id of another life, of the future, or no id is answered with the latest, and that something may be missing", () => {
  const log = new ChangeLog<number>("a1");
  log.add(1);
  log.add(2);
  for (const id of ["b2-1", "a1-3", "a1", "a1-", "a1--1", "a1-x", "", "a1-1e0", "-1"])
    assert.deepEqual(entries(log, id), [[2], false], id);
});

test("a listener hears each change until it is removed", () => {
  const log = new ChangeLog<number>("a1");
  const heard: string[] = [];
  const remove = log.onChange(({ id, entry }) => heard.push(`${id}:${entry}`));
  log.add(7);
  remove();
  log.add(8);
  assert.deepEqual(heard, ["a1-1:7"]);
});

test("next resolves at the first change that is meant", async () => {
  const log = new ChangeLog<number>("a1");
  const { signal } = new AbortController();
  const seen: string[] = [];
  const waits = [log.next(signal), log.next(signal, (entry) => entry > 1)];
  void waits[0]?.then(() => seen.push("any"));
  void waits[1]?.then(() => seen.push("above 1"));
  log.add(1);
  await waits[0];
  assert.deepEqual(seen, ["any"]);
  log.add(2);
  await waits[1];
  assert.deepEqual(seen, ["any", "above 1"]);
});

test("once next has resolved, it looks at no further change", async () => {
  const log = new ChangeLog<number>("a1");
  const [calm, controller] = [new AbortController(), new AbortController()];
  let looked = 0;
  const holds = (entry: number): boolean => ++looked > 0 && entry > 0;
  const waits = [log.next(calm.signal, holds), log.next(controller.signal, holds)];
  controller.abort();
  log.add(1);
  log.add(2);
  await Promise.all(waits);
  assert.equal(looked, 1);
});

test("next resolves when its signal aborts, or has", async () => {
  const log = new ChangeLog<number>("a1");
  const controller = new AbortController();
  const wait = log.next(controller.signal);
  controller.abort();
  await wait;
  await log.next(controller.signal);
});
