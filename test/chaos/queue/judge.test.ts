import assert from "node:assert/strict";
import { test } from "node:test";
import { judgeQueue, type Evidence, type Outcome, type WorkEntry } from "./judge.ts";

const evidence = (
  outcome: Outcome | null,
  work: readonly (readonly [what: WorkEntry["what"], at: number, id?: string])[],
  faults: Evidence["faults"] = [],
): Evidence => ({
  accepted: [{ id: "1", job: "a" }],
  outcomes: new Map(outcome === null ? [] : [["a", outcome]]),
  work: work.map(([what, at, id = "1"]) => ({ what, at, id, job: "a" })),
  faults,
  stall: 10,
});
const once = [
  ["begins", 100],
  ["ended", 110],
] as const;
const twice = [...once, ["begins", 200], ["ended", 210]] as const;

test("a job that was done once is as promised, and so is one that was given up", () => {
  assert.deepEqual(judgeQueue(evidence("done", [...once])), { broken: [], repeated: 0 });
  assert.deepEqual(judgeQueue(evidence("failed", [["begins", 100]])), { broken: [], repeated: 0 });
});

test("what is lost, stuck, done by nobody or mixed up is noticed", () => {
  for (const [told, why] of [
    [evidence(null, []), /answered 202, and job a is lost/],
    [evidence("missing", []), /is lost/],
    [evidence("waiting", []), /is stuck: waiting/],
    [evidence("running", [["begins", 1]]), /is stuck: running/],
    [evidence("done", [["begins", 1]]), /the workload never did it/],
    [
      evidence("done", [
        ["begins", 1, "2"],
        ["ended", 2, "2"],
      ]),
      /came to the workload as 2/,
    ],
  ] as const) {
    const { broken } = judgeQueue(told);
    assert.equal(broken.length, 1, broken.join());
    assert.match(broken[0] ?? "", why);
  }
});

test("a job may be given twice only where something has failed", () => {
  const fault = (from: number, to: number): Evidence["faults"] => [{ what: "kill -9", from, to }];
  for (const [faults, allowed] of [
    [[], false],
    [fault(120, 130), true],
    [fault(50, 105), true],
    [fault(50, 95), true],
    [fault(50, 80), false],
    [fault(210, 220), false],
  ] as const) {
    const { broken, repeated } = judgeQueue(evidence("done", [...twice], faults));
    assert.equal(repeated, 1);
    assert.equal(broken.length, allowed ? 0 : 1, JSON.stringify(faults));
  }
});
