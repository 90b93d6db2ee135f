import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { formatDuration, formatSize, parseDuration, parseSize } from "./units.ts";

test("durations are read in milliseconds", () => {
  for (const [text, ms] of [
    ["250ms", 250],
    ["1.5s", 1500],
    ["2m", 120_000],
    ["1h", 3_600_000],
    ["0s", 0],
    ["0.25ms", 0.25],
  ] as const) {
    assert.equal(parseDuration(text), ms, text);
  }
});

test("what is no duration is refused with examples", () => {
  for (const text of ["5", "", "1 s", "-1s", "1d", "1s2m", ".5s", "1e3ms", "Infinitys"]) {
    assert.throws(() => parseDuration(text), {
      code: "bad-duration",
      message: /^".*" is not a duration: write a number with a unit, for example 250ms/,
    });
  }
});

test("sizes are read as Kubernetes writes quantities, and what is no size is refused", () => {
  for (const [text, bytes] of [
    ["512", 512],
    ["64Ki", 65_536],
    ["1M", 1e6],
    ["1MiB", 1_048_576],
    ["2G", 2e9],
  ] as const) {
    assert.equal(parseSize(text), bytes, text);
  }
  for (const text of ["", "-1", "1.5Ki", "1Ti", "1 Ki", "Ki"])
    assert.throws(() => parseSize(text), { code: "bad-size" });
});

test("what is written reads back as itself", () => {
  fc.assert(
    fc.property(fc.nat(1e12), (value) => {
      assert.equal(parseDuration(formatDuration(value)), value);
      assert.equal(parseSize(formatSize(value)), value);
    }),
  );
  assert.deepEqual([0, 90_000, 120_000, 3_600_000, 1500].map(formatDuration), [
    "0ms",
    "90s",
    "2m",
    "1h",
    "1.5s",
  ]);
});
