import assert from "node:assert/strict";
import { test } from "node:test";
import { judgeQueue, type Evidence, type Fault, type Outcome, type WorkEntry } from "./judge.ts";

const SECOND = 1e9;
const KEPT = 100;

/** Of job a, in seconds. */
const evidence = (
  outcome: Partial<Outcome> | null,
  work: readonly (readonly [begun: number, ended: number | null, id?: string])[],
  faults: readonly Fault[] = [],
): Evidence => ({
  accepted: [{ id: "1", job: "a", at: KEPT * SECOND }],
  outcomes: new Map(outcome === null ? [] : [["a", { state: "done", open: 0, ...outcome }]]),
  work: work.flatMap(([begun, ended, id = "1"]) => attempt("a", id, begun, ended)),
  faults,
  ...{ workers: 2, concurrency: 2, lock: 2 * SECOND, patience: 10 * SECOND },
});

function attempt(job: string, id: string, begun: number, ended: number | null): WorkEntry[] {
  const begins = { what: "begins", id, job, at: begun * SECOND } as const;
  if (ended === null) return [begins];
  return [begins, { what: "ended", id, job, at: ended * SECOND, begun: begun * SECOND }];
}

const fault = (who: Fault["who"], from: number, to: number, how: Fault["how"] = "killed"): Fault => ({
  what: `${how} ${who}`,
  who,
  how,
  from: from * SECOND,
  to: to * SECOND,
});

const kept = (job: string, at: number): Pick<Evidence, "accepted" | "outcomes"> => ({
  accepted: [{ id: job, job, at: at * SECOND }],
  outcomes: new Map([[job, { state: "done", open: 0 }]]),
});

/** Another job, beside. */
const beside = (all: Evidence, job: string, at: number, work: readonly WorkEntry[]): Evidence => ({
  ...all,
  accepted: [...all.accepted, ...kept(job, at).accepted],
  outcomes: new Map([...all.outcomes, ...kept(job, at).outcomes]),
  work: [...all.work, ...work],
});

test("a job that was done once is as promised", () => {
  assert.deepEqual(judgeQueue(evidence({}, [[101, 102]])), { broken: [], repeated: 0 });
});

test("what is lost, failed, stuck, done by nobody or mixed up is noticed", () => {
  const open = KEPT * SECOND;
  for (const [told, why] of [
    [evidence(null, []), /answered 202, and job a is lost/],
    [evidence({ state: "missing" }, []), /is lost/],
    [evidence({ state: "failed", reason: "unreadable" }, []), /failed: unreadable/],
    [evidence({ state: "failed", reason: "attempts" }, [[101, 102]]), /failed: attempts/],
    [evidence({ state: "waiting", open }, []), /is stuck: waiting/],
    [evidence({ state: "running", open }, [[101, null]]), /is stuck: running/],
    [evidence({}, [[101, null]]), /the workload never did it/],
    [evidence({}, []), /the workload never did it/],
    [evidence({}, [[101, 102, "2"]]), /came to the workload as 2/],
  ] as const) {
    const { broken } = judgeQueue(told);
    assert.equal(broken.length, 1, broken.join());
    assert.match(broken[0] ?? "", why);
  }
});

test("a job may be given twice only where its attempt was under way at a fault of its worker, workload or backend", () => {
  // Begun at 101, ended at 101.1.
  for (const [again, faults, allowed] of [
    [104, [], false],
    [104, [fault("worker", 101.05, 103)], true],
    // Its end may not have been noted.
    [104, [fault("worker", 101.5, 103)], true],
    [104, [fault("worker", 102.5, 103)], false],
    [104, [fault("worker", 98, 99.5)], false],
    // Was killed long before; it was another that began this one.
    [104, [fault("worker", 98, 103)], false],
    [104, [fault("front", 101.05, 103)], false],
    [104, [fault("backend", 101.05, 103)], true],
    [104, [fault("backend", 95, 97)], false],
    // Its lock had not ended.
    [101.2, [fault("worker", 101.05, 103)], false],
    [101.2, [fault("backend", 101.05, 103)], false],
    [101.2, [fault("worker", 101.05, 103, "stopped")], false],
    // What was stopped goes on with a job that is another's by then.
    [106, [fault("worker", 101.05, 105.9, "stopped")], true],
    [106, [fault("worker", 99, 105.9, "stopped")], true],
    [101.2, [fault("worker", 95, 100.9, "stopped")], true],
    [101.2, [fault("backend", 95, 100.9, "stopped")], true],
    [101.2, [fault("workload", 101.05, 101.15)], true],
    [101.2, [fault("workload", 101.05, 101.15, "stopped")], false],
    [104, [fault("workload", 103, 103.9)], false],
    // It had been sent before, and was written down when the workload went on.
    [104, [fault("workload", 98, 101, "stopped"), fault("worker", 99, 100)], true],
  ] as const) {
    const { broken, repeated } = judgeQueue(
      evidence(
        {},
        [
          [101, 101.1],
          [again, again + 0.1],
        ],
        faults,
      ),
    );
    const what = `${again} ${JSON.stringify(faults)}`;
    assert.equal(repeated, 1);
    assert.equal(broken.length, allowed ? 0 : 1, what);
    if (!allowed) assert.match(broken[0] ?? "", /given to the workload twice, and nothing had failed/, what);
  }
});

test("a fault has no more jobs done twice than were in hand", () => {
  for (const [who, inHand] of [
    ["worker", 2],
    ["workload", 4],
    ["backend", 4],
  ] as const) {
    let told = evidence({}, [[101, 101.1]], [fault(who, 101.05, 102)]);
    for (let job = 0; job < 5; job++)
      told = beside(told, `b${job}`, KEPT, [
        ...attempt(`b${job}`, `b${job}`, 101, null),
        ...attempt(`b${job}`, `b${job}`, 104, 105),
      ]);
    const { broken, repeated } = judgeQueue(told);
    assert.equal(repeated, 5);
    assert.equal(broken.length, 5 - inHand, broken.join());
    assert.match(broken[0] ?? "", /twice, beyond those in hand at killed/);
  }
});

test("a job that nothing was done to, and whose turn it is, has ended within what it may take", () => {
  const open = 115 * SECOND;
  for (const [told, seconds] of [
    [evidence({}, [[109, 109.5]]), null],
    [evidence({}, [[115, 115.5]]), "15.0"],
    // The workload had done it: that was not noted.
    [evidence({ open }, [[101, 101.5]]), "13.5"],
    [evidence({ state: "running", open }, [[101, null]]), "14.0"],
    // It was stopped all the time, or two of two workers were.
    [evidence({}, [[115, 115.5]], [fault("workload", 101, 114, "stopped")]), null],
    [evidence({}, [[115, 115.5]], [fault("backend", 101, 114)]), null],
    [evidence({}, [[115, 115.5]], [fault("worker", 101, 114), fault("worker", 101, 113)]), null],
    [evidence({}, [[115, 115.5]], [fault("worker", 101, 114)]), "15.0"],
    [evidence({}, [[115, 115.5]], [fault("front", 101, 114)]), "15.0"],
    [evidence({}, [[130, 130.5]], [fault("backend", 101, 114)]), "16.0"],
    // Others were before it.
    [beside(evidence({}, [[115, 115.5]]), "b", 99, attempt("b", "b", 108, 109)), null],
    [beside(evidence({}, [[125, 125.5]]), "b", 99, attempt("b", "b", 108, 109)), "17.0"],
    // They came long after it.
    [beside(evidence({}, [[115, 115.5]]), "b", 111, attempt("b", "b", 112, 113)), "15.0"],
  ] as const) {
    const broken = judgeQueue(told).broken.filter((problem) => problem.includes("was stuck for"));
    assert.equal(broken.length, seconds === null ? 0 : 1, broken.join());
    if (seconds !== null)
      assert.match(broken[0] ?? "", new RegExp(`stuck for ${seconds} s, must be at most 10.0`));
  }
});
