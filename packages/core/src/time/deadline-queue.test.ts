import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { VirtualClock } from "../testing/virtual-clock.ts";
import { Deadline, DeadlineQueue } from "./deadline-queue.ts";

test("any interleaving of arming, disarming and waiting expires each holder once, its span after its last arming", () => {
  const step = fc.oneof(
    fc.record({ do: fc.constant("arm" as const), who: fc.nat(4) }),
    fc.record({ do: fc.constant("disarm" as const), who: fc.nat(4) }),
    fc.record({ do: fc.constant("wait" as const), span: fc.integer({ min: 1, max: 150 }) }),
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const clock = new VirtualClock();
      const expired: [number, number][] = [];
      const queue = new DeadlineQueue<number>(clock, 100, (owner) => expired.push([owner, clock.now()]));
      const holders = Array.from({ length: 5 }, (_, owner) => new Deadline(owner));
      const due = new Map<number, number>();
      const expected: [number, number][] = [];
      for (const now of steps) {
        if (now.do === "wait") {
          clock.advance(now.span);
          for (const [owner, at] of due) {
            if (at > clock.now()) continue;
            expected.push([owner, at]);
            due.delete(owner);
          }
        } else if (now.do === "arm") {
          queue.arm(holders[now.who] as Deadline<number>);
          due.delete(now.who);
          due.set(now.who, clock.now() + 100);
        } else {
          queue.disarm(holders[now.who] as Deadline<number>);
          due.delete(now.who);
        }
        for (const holder of holders) assert.equal(holder.armed, due.has(holder.owner));
        assert.ok(clock.pendingTimers <= 1, "one timer serves all");
      }
      assert.deepEqual(
        expired.map(([owner]) => owner),
        expected.map(([owner]) => owner),
      );
      expired.forEach(([, at], index) => {
        const wanted = expected[index]?.[1] as number;
        assert.ok(at >= wanted && at <= wanted + 1, `${at} for ${wanted}`);
      });
      queue.clear();
      assert.equal(clock.pendingTimers, 0);
    }),
    { numRuns: 500 },
  );
});

test("a span of 0 or Infinity never expires and sets no timer", () => {
  for (const span of [0, Infinity]) {
    const clock = new VirtualClock();
    const holder = new Deadline("x");
    new DeadlineQueue<string>(clock, span, () => assert.fail()).arm(holder);
    assert.equal(holder.armed, false);
    assert.equal(clock.pendingTimers, 0);
  }
});

test("a holder that moves to another queue leaves the first", () => {
  const clock = new VirtualClock();
  const told: string[] = [];
  const [short, long] = [
    new DeadlineQueue<string>(clock, 10, (owner) => told.push(`short ${owner}`)),
    new DeadlineQueue<string>(clock, 50, (owner) => told.push(`long ${owner}`)),
  ];
  const holder = new Deadline("x");
  short.arm(holder);
  long.arm(holder);
  clock.advance(100);
  assert.deepEqual(told, ["long x"]);
});

test("a retired queue still expires whoever waits in it, and holds no timer when nobody does", () => {
  const clock = new VirtualClock();
  const told: string[] = [];
  const queue = new DeadlineQueue<string>(clock, 10, (owner) => told.push(owner));
  const [first, second] = [new Deadline("first"), new Deadline("second")];
  queue.arm(first);
  queue.arm(second);
  queue.retire();
  queue.disarm(first);
  assert.equal(clock.pendingTimers, 1, "the second still waits");
  clock.advance(20);
  assert.deepEqual(told, ["second"]);
  assert.equal(clock.pendingTimers, 0);
  // A request that began before may arm again.
  queue.arm(first);
  assert.equal(clock.pendingTimers, 1);
  queue.disarm(first);
  assert.equal(clock.pendingTimers, 0);

  const idle = new DeadlineQueue<string>(clock, 10, () => assert.fail());
  idle.arm(first);
  idle.disarm(first);
  assert.equal(clock.pendingTimers, 1, "a queue in use keeps its timer: it will be wanted soon");
  idle.retire();
  assert.equal(clock.pendingTimers, 0);
});
