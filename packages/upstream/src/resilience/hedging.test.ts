import { seededRandom, VirtualClock } from "@outrigger/core/testing";
import fc from "fast-check";
import assert from "node:assert/strict";
import { test } from "node:test";
import { Instruments } from "../instruments.ts";
import { Hedging, type HedgeSettings } from "./hedging.ts";

const settings: HedgeSettings = {
  hedge: true,
  hedgeQuantile: 0.95,
  hedgeMin: 5,
  hedgeMax: 0.05,
  hedgeWindow: 30_000,
  hedgeSamples: 100,
};

function hedging(overrides: Partial<HedgeSettings> = {}) {
  const clock = new VirtualClock();
  const count = new Instruments("test", null).hedges;
  return { hedge: new Hedging({ ...settings, ...overrides }, clock, count), clock, count };
}

test("nothing is hedged before enough latencies are known", () => {
  const { hedge, clock } = hedging();
  for (let i = 0; i < 99; i++) hedge.observe("success", 10, clock.now());
  assert.equal(hedge.delay(), Infinity);
  hedge.observe("success", 10, clock.now());
  assert.ok(hedge.delay() >= 10 && hedge.delay() < 11);
});

test("the delay is the observed quantile", () => {
  const { hedge, clock } = hedging();
  for (let round = 0; round < 64; round++) {
    for (let i = 1; i <= 100; i++) hedge.observe("success", i, clock.now());
  }
  assert.ok(hedge.delay() >= 95 && hedge.delay() <= 95 * 1.091, String(hedge.delay()));
});

test("the delay is never below the floor", () => {
  const { hedge, clock } = hedging();
  for (let i = 0; i < 200; i++) hedge.observe("success", 0.2, clock.now());
  assert.equal(hedge.delay(), 5);
});

test("old latencies are forgotten, and with too few left hedging stops", () => {
  const { hedge, clock } = hedging();
  for (let i = 0; i < 200; i++) hedge.observe("success", 10, clock.now());
  assert.ok(hedge.delay() < 11);
  clock.advance(31_000);
  assert.equal(hedge.delay(), Infinity);
  assert.equal(hedge.take(), false);
});

test("failures that are fast do not pull the delay down, and timeouts count as that slow", () => {
  const { hedge, clock } = hedging();
  for (let i = 0; i < 900; i++) hedge.observe("success", 50, clock.now());
  for (let i = 0; i < 2000; i++) {
    for (const outcome of ["server-error", "connect-failure", "reset"] as const)
      hedge.observe(outcome, 0.1, clock.now());
  }
  assert.ok(hedge.delay() >= 50 && hedge.delay() < 55);
  for (let i = 0; i < 100; i++) hedge.observe("timeout", 1000, clock.now());
  assert.ok(hedge.delay() >= 1000, String(hedge.delay()));
});

test("hedging does not feed on itself: with its losers cut off, the delay stays at the true quantile", () => {
  const { hedge, clock } = hedging({ hedgeMax: 1 });
  const random = seededRandom(7);
  // 100 ms on average, exponential: the true 95 % quantile is 299.6 ms.
  const draw = (): number => -100 * Math.log(1 - random());
  const delays: number[] = [];
  for (let request = 0; request < 60_000; request++) {
    clock.advance(1);
    hedge.requestAdmitted();
    const first = draw();
    const delay = hedge.delay();
    if (first <= delay || !hedge.take()) {
      hedge.observe("success", first, clock.now());
    } else {
      const second = draw();
      const end = Math.min(first, delay + second);
      hedge.observe(end === first ? "success" : "cancelled", end, clock.now());
      hedge.observe(end === first ? "cancelled" : "success", end - delay, clock.now());
    }
    if (request > 20_000) delays.push(hedge.delay());
  }
  const mean = delays.reduce((sum, delay) => sum + delay, 0) / delays.length;
  assert.ok(mean > 285 && mean < 345, `mean delay ${mean}`);
});

test("callers that leave early say nothing: the delay does not fall", () => {
  const { hedge, clock } = hedging();
  for (let i = 0; i < 200; i++) hedge.observe("success", 50, clock.now());
  for (let i = 0; i < 5000; i++) hedge.observe("cancelled", 0.1, clock.now());
  for (let i = 0; i < 64; i++) hedge.observe("success", 50, clock.now());
  assert.ok(hedge.delay() >= 50 && hedge.delay() < 55, String(hedge.delay()));
});

test("hedges never exceed their share of requests, under any interleaving", () => {
  const share = fc.constantFrom(0.01, 0.05, 0.1, 1 / 3, 0.999, 1);
  const step = fc.constantFrom("request", "request", "hedge");
  fc.assert(
    fc.property(share, fc.array(step, { maxLength: 500 }), (hedgeMax, steps) => {
      const { hedge, clock, count } = hedging({ hedgeMax });
      for (let i = 0; i < 100; i++) hedge.observe("success", 10, clock.now());
      let requests = 0;
      let hedges = 0;
      for (const what of steps) {
        if (what === "request") {
          requests++;
          hedge.requestAdmitted();
        } else if (hedge.take()) {
          hedge.sent();
          hedges++;
        }
        assert.ok(hedges <= hedgeMax * requests + 1e-9);
      }
      assert.equal(count.sent.value, hedges);
    }),
  );
});

test("twenty requests at 5 % pay for exactly one hedge, and a calm hour for ten", () => {
  const { hedge, clock, count } = hedging();
  for (let i = 0; i < 100; i++) hedge.observe("success", 10, clock.now());
  for (let i = 0; i < 19; i++) hedge.requestAdmitted();
  assert.equal(hedge.take(), false);
  hedge.requestAdmitted();
  assert.equal(hedge.take(), true);
  assert.equal(hedge.take(), false);
  for (let i = 0; i < 100_000; i++) hedge.requestAdmitted();
  let granted = 0;
  while (hedge.take()) granted++;
  assert.equal(granted, 10);
  assert.equal(count.capped.value, 3);
});

test("switched off it neither delays nor grants", () => {
  const { hedge, clock } = hedging({ hedge: false });
  for (let i = 0; i < 200; i++) {
    hedge.requestAdmitted();
    hedge.observe("success", 10, clock.now());
  }
  assert.equal(hedge.delay(), Infinity);
  assert.equal(hedge.take(), false);
});

test("a reload keeps what was learnt", () => {
  const { hedge, clock } = hedging();
  for (let i = 0; i < 200; i++) hedge.observe("success", 10, clock.now());
  hedge.configure({ ...settings, hedgeMin: 20 });
  assert.equal(hedge.delay(), 20);
});

test("a hedge that could not be sent gives its token back, and is not counted", () => {
  const { hedge, clock, count } = hedging({ hedgeMax: 1 });
  for (let i = 0; i < 100; i++) hedge.observe("success", 10, clock.now());
  hedge.requestAdmitted();
  assert.equal(hedge.take(), true);
  hedge.giveBack();
  assert.equal(count.sent.value, 0);
  assert.equal(hedge.take(), true);
  assert.equal(hedge.take(), false);
});
