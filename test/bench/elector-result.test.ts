import assert from "node:assert/strict";
import { test } from "node:test";
import { electorFailures, electorTable, type ElectorResult, type Measure } from "./elector-result.ts";

const crash: Measure = {
  title: "fail-over after kill -9",
  unit: "s",
  values: [14, 16.9, 15],
  must: 17,
  judged: "max",
};
const ready: Measure = { title: "ready", unit: "ms", values: [100, 900, 110], must: 300, judged: "median" };
const result = (...measures: Measure[]): ElectorResult => ({
  bench: "elector",
  node: "v0",
  missing: [],
  stores: [{ store: "file", measures }],
});

test("a measure within its must is no failure: the greatest where that counts, else the median", () => {
  assert.deepEqual(electorFailures(result(crash, ready)), []);
  assert.match(
    electorTable(result(crash, ready)),
    /^\| file \| fail-over after kill -9 \| 3 \| 15\.00 \| 16\.90 \| s \| max <= 17 yes \|$/m,
  );
});

test("a must that is missed is said in the table, and fails", () => {
  const missed = result({ ...crash, values: [14, 17.1] }, { ...ready, values: [301] });
  assert.deepEqual(electorFailures(missed), [
    "file, fail-over after kill -9: max 17.10 s, must be <= 17",
    "file, ready: median 301.00 ms, must be <= 300",
  ]);
  assert.equal(electorTable(missed).match(/\*\*NO\*\*/g)?.length, 2);
});

test("a store that could not be measured is a failure: nothing is proven of it", () => {
  assert.deepEqual(electorFailures({ ...result(), missing: ["redis-server is not on PATH"] }), [
    "nothing is proven: redis-server is not on PATH",
  ]);
});
