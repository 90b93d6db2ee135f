/** Which schedules come to be in a backend, and when, beside a backend that is slow or knows some already. */
import { createMetrics, type Logger } from "@outrigger/core";
import { VirtualClock } from "@outrigger/core/testing";
import type { Queue } from "bullmq";
import assert from "node:assert/strict";
import { test } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import type { Backend } from "../backend/backend.ts";
import { schedulesOption } from "../config/schedules-option.ts";
import type { JobStore } from "../queue/job-store.ts";
import { nextTime } from "./next-time.ts";
import { Schedules } from "./schedules.ts";

const NOW = Date.UTC(2026, 0, 1);
const silent = new Proxy({} as Logger, { get: () => () => {} });

interface Known {
  readonly key: string;
  readonly pattern: string;
  readonly tz: string;
  readonly next: number;
  readonly template: { data: { method: string; target: string } };
}

/** A backend that knows some schedules; `slow` is asked before each of its answers. */
async function opened(lines: string, known: Known[] = [], slow = async (): Promise<void> => {}) {
  const made: string[] = [];
  const queue = {
    on: () => {},
    waitUntilReady: async () => {},
    async getJobSchedulers() {
      await slow();
      return [...known];
    },
    async removeJobScheduler(name: string) {
      known.splice(known.findIndex(({ key }) => key === name));
    },
    async upsertJobScheduler(key: string, { pattern, tz }: Known, template: Known["template"]) {
      made.push(key);
      known.push({ key, pattern, tz, next: nextTime(NOW, pattern, tz), template });
    },
  };
  const worker = { on: () => {}, waitUntilReady: async () => {}, close: async () => {} };
  const backend = {
    openQueue: () => queue as unknown as Queue,
    openWorker: () => worker,
  } as unknown as Backend;
  const options = { queue: "q", rules: [], lockDuration: 30_000, schedules: schedulesOption.parse(lines) };
  const clock = new VirtualClock(0, NOW);
  const deps = { clock, log: silent, metrics: createMetrics(), store: {} as JobStore };
  const schedules = new Schedules(backend, options, deps);
  await schedules.start();
  const reload = (text: string): void =>
    schedules.reload({ rules: [], schedules: schedulesOption.parse(text) });
  return { made, schedules, reload };
}

const until = async (holds: () => boolean): Promise<void> => {
  for (let turns = 0; !holds(); turns++) {
    assert.ok(turns < 1_000, "it did not come true");
    await turn();
  }
};

test("a list that comes while the one before is looked at is not lost", async () => {
  let asked = 0;
  // Installing asks once, and what then tells the metrics hears nothing.
  const slow = (): Promise<void> => (++asked === 2 ? new Promise(() => {}) : Promise.resolve());
  const { made, reload, schedules } = await opened("a = every 1m GET /", [], slow);
  await until(() => asked === 2);
  reload("b = every 1m GET /");
  await until(() => made.length === 2);
  assert.deepEqual(made, ["a", "b"]);
  await schedules.end();
});

test("a time reckoned by a clock that was ahead is reckoned anew, and one that passed, or that another front has told, is not", async () => {
  const known = (key: string, next: number): Known => {
    return { key, pattern: "0 3 * * *", tz: "UTC", next, template: { data: { method: "GET", target: "/" } } };
  };
  const at3 = (day: number): number => Date.UTC(2026, 0, day, 3);
  const lines = ["late", "due", "told", "ahead"].map((name) => `${name} = 0 3 * * * GET /`).join(";");
  const { made, schedules, reload } = await opened(lines, [
    known("late", at3(-1)),
    known("due", at3(1)),
    known("told", at3(2)),
    known("ahead", at3(3)),
  ]);
  await until(() => made.length > 0);
  assert.deepEqual(made, ["ahead"]);
  // The one that was far is known twice now, and looked at again with the same list.
  reload(lines);
  await until(() => made.length > 1);
  assert.deepEqual(made, ["ahead", "ahead"]);
  await schedules.end();
});
