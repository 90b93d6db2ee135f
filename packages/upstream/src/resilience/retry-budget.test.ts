import fc from "fast-check";
import assert from "node:assert/strict";
import { test } from "node:test";
import { Instruments } from "../instruments.ts";
import { seededRandom } from "@outrigger/core/testing";
import { RetryBudget, type RetrySettings } from "./retry-budget.ts";

const settings: RetrySettings = {
  retries: 2,
  retryBudget: 0.2,
  retryReserve: 3,
  backoffBase: 25,
  backoffMax: 100,
};

function budget(overrides: Partial<RetrySettings> = {}, active = 0, endpoints = 3, random = Math.random) {
  const load = { active };
  const count = new Instruments("test", null).retries;
  const retry = new RetryBudget({ ...settings, ...overrides }, load, { size: endpoints }, random, count);
  return { retry, load, count };
}

test("with nothing in flight the reserve alone may retry", () => {
  const { retry, count } = budget();
  assert.deepEqual(
    [1, 2, 3, 4].map(() => retry.take(false)),
    [true, true, true, false],
  );
  assert.equal(count.exhausted.value, 1);
  retry.done(false);
  assert.equal(retry.take(false), true);
});

test("the share is of the requests in flight, in whole retries", () => {
  assert.equal(budget({ retryReserve: 0 }, 14).retry.allowed, 2);
  assert.equal(budget({ retryReserve: 0 }, 15).retry.allowed, 3);
  assert.equal(budget({ retryReserve: 0, retryBudget: 0.29 }, 100).retry.allowed, 29);
  assert.equal(budget({ retryReserve: 7 }, 50).retry.allowed, 17);
});

test("a free attempt costs nothing, also when the budget is used up", () => {
  const { retry, count } = budget({ retryReserve: 0 });
  assert.equal(retry.take(false), false);
  for (let i = 0; i < 100; i++) assert.equal(retry.take(true), true);
  for (let i = 0; i < 100; i++) retry.done(true);
  assert.equal(retry.retrying, 0);
  assert.equal(retry.take(false), false);
  assert.equal(count.free.value, 100);
});

test("free attempts of a request are bounded by its retries and the endpoints, and are none without retries", () => {
  assert.equal(budget({ retries: 2 }, 0, 3).retry.maxFree, 5);
  assert.equal(budget({ retries: 0 }, 0, 3).retry.maxFree, 0);
  assert.equal(budget({ retries: 2 }).retry.maxRetries, 2);
});

test("the budget holds under any interleaving of requests, retries and their ends", () => {
  const step = fc.constantFrom("admit", "release", "take", "take", "take", "done", "free", "freeDone");
  fc.assert(
    fc.property(
      fc.array(step, { maxLength: 400 }),
      fc.double({ min: 0, max: 1, noNaN: true }),
      fc.integer({ min: 0, max: 5 }),
      (steps, share, reserve) => {
        const { retry, load } = budget({ retryBudget: share, retryReserve: reserve });
        let underWay = 0;
        for (const what of steps) {
          if (what === "admit") load.active++;
          if (what === "release" && load.active > 0) load.active--;
          if (what === "take") {
            const granted = retry.take(false);
            const most = share * load.active + reserve + 1e-6;
            assert.equal(granted, underWay + 1 <= most, `${underWay} under way, ${load.active} active`);
            if (granted) underWay++;
          }
          // Also unpaired: a caller's mistake must not open the budget.
          if (what === "done") {
            retry.done(false);
            underWay = Math.max(0, underWay - 1);
          }
          if (what === "free") assert.equal(retry.take(true), true);
          if (what === "freeDone") retry.done(true);
          assert.equal(retry.retrying, underWay);
        }
      },
    ),
  );
});

test("backoff is spread over 0 to base x 2^(n-1), capped", () => {
  const { retry } = budget({}, 0, 3, seededRandom(1));
  for (const [retryNumber, most] of [
    [1, 25],
    [2, 50],
    [3, 100],
    [4, 100],
    [40, 100],
  ] as const) {
    const pauses = Array.from({ length: 2000 }, () => retry.backoff(retryNumber));
    assert.ok(Math.min(...pauses) >= 0 && Math.min(...pauses) < most * 0.02);
    assert.ok(Math.max(...pauses) < most && Math.max(...pauses) > most * 0.98);
    const mean = pauses.reduce((sum, pause) => sum + pause, 0) / pauses.length;
    assert.ok(Math.abs(mean - most / 2) < most * 0.03, `mean ${mean} of ${most}`);
  }
});
