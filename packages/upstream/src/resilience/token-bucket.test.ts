import fc from "fast-check";
import assert from "node:assert/strict";
import { test } from "node:test";
import { TokenBucket } from "./token-bucket.ts";

test("a burst is admitted at once, then the rate", () => {
  const bucket = new TokenBucket(10, 3, 0);
  assert.deepEqual(
    [bucket.take(0), bucket.take(0), bucket.take(0), bucket.take(0)],
    [true, true, true, false],
  );
  assert.equal(bucket.take(99), false);
  assert.equal(bucket.take(100), true);
  assert.equal(bucket.take(100), false);
});

test("without a burst, what flows in within a second fits, at least one token", () => {
  const bucket = new TokenBucket(0.5, 0, 0);
  assert.equal(bucket.take(0), true);
  assert.equal(bucket.take(1000), false);
  assert.equal(bucket.take(2000), true);
});

test("rate 0 admits everything", () => {
  const bucket = new TokenBucket(0, 0, 0);
  for (let i = 0; i < 10_000; i++) assert.equal(bucket.take(0), true);
});

test("a rate that is switched on starts with its burst; a smaller burst takes effect at once", () => {
  const bucket = new TokenBucket(0, 0, 0);
  bucket.configure(1, 2, 0);
  assert.deepEqual([bucket.take(0), bucket.take(0), bucket.take(0)], [true, true, false]);
  bucket.configure(1, 100, 0);
  bucket.configure(1, 1, 60_000);
  assert.deepEqual([bucket.take(60_000), bucket.take(60_000)], [true, false]);
});

test("in any span at most burst + rate x span are admitted, however the takes are spread", () => {
  const steps = fc.array(
    fc.record({ wait: fc.integer({ min: 0, max: 500 }), takes: fc.integer({ min: 0, max: 20 }) }),
    {
      maxLength: 60,
    },
  );
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 100 }),
      fc.integer({ min: 1, max: 20 }),
      steps,
      (rate, burst, list) => {
        const bucket = new TokenBucket(rate, burst, 0);
        const admitted: number[] = [];
        let now = 0;
        for (const { wait, takes } of list) {
          now += wait;
          for (let i = 0; i < takes; i++) if (bucket.take(now)) admitted.push(now);
        }
        for (const [from, start] of admitted.entries()) {
          for (let to = from; to < admitted.length; to++) {
            const span = (admitted[to] as number) - start;
            assert.ok(to - from + 1 <= burst + (rate * span) / 1000 + 1e-6);
          }
        }
      },
    ),
  );
});
