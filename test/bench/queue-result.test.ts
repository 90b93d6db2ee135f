import assert from "node:assert/strict";
import { test } from "node:test";
import {
  MINIMAL,
  MUSTS,
  queueChart,
  queueFailures,
  queueTable,
  type QueueResult,
  type QueueSide,
} from "./queue-result.ts";

const side = (name: string, cpuMicroseconds: number[]): QueueSide => ({
  ...{ name, cpuMicroseconds, perSecond: [2_000, 1_000, 3_000], backendMicroseconds: [90] },
  ...{ pacedMicroseconds: [800], p50: [1.234], p99: [9.876] },
});
const result = (ours: number[], missing: string[] = []): QueueResult => ({
  ...{ bench: "queue", node: "v0", rounds: 3, jobs: 10, perSecond: 100, concurrency: 16, missing },
  backends: [
    {
      name: "Redis",
      musts: MUSTS["Redis"] ?? [],
      sides: [side("outrigger", ours), side(MINIMAL, [100, 200, 300])],
    },
    { name: "embedded", musts: [], sides: [{ ...side("outrigger", [900]), backendMicroseconds: [] }] },
  ],
});

test("the ratio is the median of the rounds' ratios; within the must it is no failure", () => {
  const within = result([114, 230, 900]);
  assert.deepEqual(queueFailures(within), []);
  const table = queueTable(within);
  assert.match(table, /^\| Redis \| outrigger \| 230 \|  \|  \| 90 \| 2000 \| 800 \| 1\.23 \| 9\.88 \|$/m);
  assert.match(table, /^\|  \| node:http \+ BullMQ \| 200 \| 1\.15 \| <= 1\.15 yes \|/m);
  assert.match(table, /^\| embedded \| outrigger \| 900 \|  \|  \|  \|/m);
});

test("a must that is missed is said in the table, and fails", () => {
  const missed = result([120, 240, 300]);
  assert.deepEqual(queueFailures(missed), ["Redis: 1.20 x node:http + BullMQ, must be <= 1.15"]);
  assert.match(queueTable(missed), /<= 1\.15 \*\*NO\*\*/);
});

test("a backend that could not be measured is a failure, and so is a ratio that there is none of", () => {
  assert.deepEqual(queueFailures(result([100, 100, 100], ["redis-server is not on PATH"])), [
    "nothing is proven: redis-server is not on PATH",
  ]);
  assert.equal(queueFailures(result([])).length, 1);
});

test("the chart shows each side of each backend to one scale", () => {
  const bars = [
    ...queueChart(result([230, 230, 230])).matchAll(/width="([\d.]+)" height="16" class="(\w+)"/g),
  ];
  assert.deepEqual(
    bars.map(([, width, whose]) => [Math.round((Number(width) / 420) * 900), whose]),
    [
      [230, "ours"],
      [200, "theirs"],
      [900, "ours"],
    ],
  );
});
