import assert from "node:assert/strict";
import { test } from "node:test";
import { percentiles, recoveryTime } from "./latency.ts";

test("percentiles are of the nearest rank", () => {
  const values = Array.from({ length: 100 }, (_, index) => 100 - index);
  assert.deepEqual(percentiles(values), { count: 100, p50: 50, p99: 99 });
  assert.deepEqual(percentiles([7]), { count: 1, p50: 7, p99: 7 });
  assert.ok(Number.isNaN(percentiles([]).p99));
});

/** One request a millisecond from 0 to `end`; slow where `slow` says so. */
function series(end: number, slow: (at: number) => boolean): [number[], number[]] {
  const at = Array.from({ length: end }, (_, index) => index);
  // Ends at its index: what counts is when it ended.
  const took = at.map((time) => (slow(time) ? 300 : 5));
  return [at.map((time, index) => time - (took[index] ?? 0)), took];
}

test("p99 is back when the last slow request has left the window", () => {
  const [sent, took] = series(5000, (at) => at >= 1000 && at < 1400);
  const back = recoveryTime(sent, took, 1000, 5000, 50);
  assert.ok(back > 350 && back <= 400, `${back}`);
});

test("p99 that was never bad is back at once, one that stays bad never is", () => {
  assert.equal(recoveryTime(...series(4000, () => false), 1000, 4000, 50), 0);
  assert.equal(recoveryTime(...series(4000, (at) => at >= 1000), 1000, 4000, 50), Infinity);
});

test("p99 is not back while it turns bad again within a second", () => {
  const [sent, took] = series(6000, (at) => (at >= 1000 && at < 1200) || (at >= 2000 && at < 2200));
  const back = recoveryTime(sent, took, 1000, 6000, 50);
  assert.ok(back > 1100 && back <= 1200, `${back}`);
});

test("a window in which nothing ended is not good", () => {
  const [sent, took] = series(3000, () => false);
  assert.equal(recoveryTime(sent, took, 3000, 6000, 50), Infinity);
});
