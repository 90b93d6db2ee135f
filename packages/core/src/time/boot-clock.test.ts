import assert from "node:assert/strict";
import { uptime } from "node:os";
import { test } from "node:test";
import { VirtualClock } from "../testing/virtual-clock.ts";
import { createBootClock } from "./boot-clock.ts";

test("it goes on while the machine is suspended, and never goes back", () => {
  const clock = new VirtualClock(5_000);
  let up = 900_000;
  const boot = createBootClock(clock, () => Math.floor(up / 10) * 10);
  const pass = (span: number): void => {
    clock.advance(span);
    up += span;
  };
  assert.equal(boot.now(), 5_000);
  pass(1_234);
  assert.equal(boot.now(), 6_234);
  up += 60_000; // suspended
  assert.ok(Math.abs(boot.now() - 66_234) <= 10, `${boot.now()}`);
  pass(1);
  const once = boot.now();
  assert.ok(Math.abs(once - 66_235) <= 10, `${once}`);
  up += 3_600_000;
  assert.ok(Math.abs(boot.now() - 3_666_235) <= 10);
  up -= 5_000_000; // whatever the system tells
  assert.ok(boot.now() >= once);
});

test("what the system's rounding hides is no suspension", () => {
  const clock = new VirtualClock();
  let up = 0;
  const boot = createBootClock(clock, () => Math.floor(up / 10) * 10);
  for (let step = 0; step < 1_000; step++) {
    clock.advance(3.7);
    up += 3.7;
    assert.equal(boot.now(), clock.now());
  }
});

test("a pause of the process between its readings is no suspension, and a suspension there is none the less", () => {
  for (const before of [true, false])
    for (const steps of [8_000, 0]) {
      const clock = new VirtualClock();
      let asleep = 0;
      let due = false;
      const boot = createBootClock(clock, () => {
        const halt = (): void => {
          if (!due) return;
          due = false;
          clock.advance(steps);
          asleep += 8_000 - steps;
        };
        if (before) halt();
        const up = clock.now() + asleep;
        halt();
        return up;
      });
      due = true;
      assert.equal(boot.now(), 8_000, `${before} ${steps}`);
      assert.equal(boot.now(), 8_000);
    }
});

test("its timers are those of the clock below", async () => {
  const clock = new VirtualClock();
  const boot = createBootClock(clock, () => clock.now());
  let fired = false;
  boot.timer(100, () => (fired = true));
  const slept = boot.sleep(200);
  await clock.advanceAsync(100);
  assert.ok(fired);
  await clock.advanceAsync(100);
  await slept;
  assert.equal(boot.wallTime(), clock.wallTime());
});

test("on this machine it goes as time goes", () => {
  const boot = createBootClock();
  const before = boot.now();
  assert.ok(uptime() > 0);
  assert.ok(boot.now() - before >= 0 && boot.now() - before < 60_000);
});
