/** On a queue whose jobs go on while it is being asked. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { VirtualClock } from "@outrigger/core/testing";
import type { JobQueue } from "../backend/backend.ts";
import { emptied } from "./emptied.ts";

const STAGES = ["delayed", "waiting", "active", "delayed", "waiting", "active", "done"] as const;
const QUESTIONS = 8;

const never = new AbortController().signal;

/**
 * Of one job, which goes a stage on after those questions whose bit is set, and after all that come then. Between its attempts it
 * waits for two questions or more.
 * @param leap after this question it goes two: an attempt that begins and ends before the next
 */
function moving(pattern: number, leap: number, far = 0) {
  let stage = 0;
  let since = -2;
  let questions = 0;
  const current = (): string => STAGES[stage] as string;
  const asked = <Answer>(answer: Answer): Answer => {
    const goes = questions >= QUESTIONS || (pattern & (1 << questions)) !== 0;
    const steps = questions === leap ? 2 : Number(goes);
    if (steps > 0 && (current() !== "delayed" || questions - since >= 2)) {
      stage = Math.min(stage + steps, STAGES.length - 1);
      since = questions;
    }
    questions++;
    return answer;
  };
  const counted = (state: string): number => Number(current() === state) + (state === "delayed" ? far : 0);
  const queue = {
    getJobCounts: async (...states: string[]) =>
      asked(Object.fromEntries(states.map((state) => [state, counted(state)]))),
    getDelayedCount: async () => asked(Number(current() === "delayed")),
  } as unknown as JobQueue;
  return { queue, current };
}

for (const far of [0, 3])
  test(`a job on its way is not overlooked, with ${far} beside it that are due later`, async () => {
    for (let pattern = 0; pattern < 1 << QUESTIONS; pattern++)
      for (let leap = 0; leap <= QUESTIONS; leap++) {
        const { queue, current } = moving(pattern, leap, far);
        const clock = { ...new VirtualClock(), wallTime: () => 0, sleep: async () => {} };
        await emptied(queue, () => 60_000, clock as never, never);
        assert.equal(
          current(),
          "done",
          `moved after the questions ${pattern.toString(2)}, leapt after ${leap}`,
        );
      }
  });

test("while the backend is away nobody knows, and one that is told to end does", async () => {
  const ending = new AbortController();
  let looks = 0;
  const queue = {
    getJobCounts: async () => {
      looks++;
      throw new Error("away");
    },
  } as unknown as JobQueue;
  const clock = new VirtualClock();
  const waited = assert.rejects(
    emptied(queue, () => 0, clock, ending.signal),
    { message: "enough" },
  );
  await clock.advanceAsync(3_000);
  assert.equal(looks, 4);
  ending.abort(new Error("enough"));
  await waited;
});
