import fc from "fast-check";
import assert from "node:assert/strict";
import { test } from "node:test";
import { LatencyWindow } from "./latency-window.ts";

test("a quantile is never too small and at most 9.1 % too large", () => {
  const latencies = fc.array(fc.double({ min: 0.01, max: 600_000, noNaN: true }), {
    minLength: 1,
    maxLength: 300,
  });
  fc.assert(
    fc.property(latencies, fc.double({ min: 0.01, max: 1, noNaN: true }), (list, q) => {
      const window = new LatencyWindow(10_000, 0);
      for (const latency of list) window.record(latency);
      const sorted = [...list].sort((a, b) => a - b);
      const exact = sorted[Math.max(0, Math.ceil(q * list.length - 1e-9) - 1)] as number;
      const estimate = window.quantile(q);
      assert.ok(estimate >= exact * (1 - 1e-9) && estimate <= exact * 1.0906, `${estimate} for ${exact}`);
    }),
  );
});

test("latencies from 0 to hours are taken", () => {
  const window = new LatencyWindow(10_000, 0);
  for (const latency of [0, 0.000_001, 5, 1e9, Infinity]) window.record(latency);
  assert.equal(window.count, 5);
  assert.ok(window.quantile(1) > 1_000_000);
});

test("nothing is known of an empty window", () => {
  assert.ok(Number.isNaN(new LatencyWindow(10_000, 0).quantile(0.95)));
});

test("a latency is remembered for half the span at least and the whole span at most", () => {
  const window = new LatencyWindow(10_000, 0);
  window.record(100);
  window.rotate(5_000);
  assert.equal(window.count, 1);
  window.record(1);
  window.rotate(9_999);
  assert.equal(window.count, 2);
  window.rotate(10_000);
  assert.equal(window.count, 1);
  assert.ok(window.quantile(1) < 1.1);
});

test("after a pause longer than the span nothing old is left", () => {
  const window = new LatencyWindow(10_000, 0);
  window.record(100);
  window.rotate(60_000);
  assert.equal(window.count, 0);
});
