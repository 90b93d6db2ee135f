import assert from "node:assert/strict";
import { test } from "node:test";
import { nextTime } from "./next-time.ts";

const times = (after: string, when: string, zone: string, count: number): string[] => {
  const found: string[] = [];
  for (let at = Date.parse(after); found.length < count; found.push(new Date(at).toISOString().slice(0, 16)))
    at = nextTime(at, when, zone);
  return found;
};

test("every span comes at its multiples, whoever reckons from when", () => {
  assert.deepEqual(
    [0, 1, 599_999, 600_000].map((after) => nextTime(after, "every 600000", "UTC")),
    [600_000, 600_000, 600_000, 1_200_000],
  );
});

test("where clocks are set forward, a time that is left out comes an hour later, once", () => {
  assert.deepEqual(times("2027-03-27T12:00:00Z", "30 2 * * *", "Europe/Berlin", 2), [
    "2027-03-28T01:30",
    "2027-03-29T00:30",
  ]);
  assert.deepEqual(times("2027-03-28T00:00:00Z", "30 * * * *", "Europe/Berlin", 3), [
    "2027-03-28T00:30",
    "2027-03-28T01:30",
    "2027-03-28T02:30",
  ]);
});

test("where clocks are set back, a time that comes twice comes once, and one of every hour each hour", () => {
  assert.deepEqual(times("2027-10-30T12:00:00Z", "30 2 * * *", "Europe/Berlin", 2), [
    "2027-10-31T00:30",
    "2027-11-01T01:30",
  ]);
  assert.deepEqual(times("2027-10-30T23:50:00Z", "*/30 * * * *", "Europe/Berlin", 4), [
    "2027-10-31T00:00",
    "2027-10-31T00:30",
    "2027-10-31T01:00",
    "2027-10-31T01:30",
  ]);
});

test("a time is after the one that is given, also where that is one", () => {
  assert.deepEqual(times("2026-01-01T03:00:00Z", "0 3 * * *", "UTC", 1), ["2026-01-02T03:00"]);
  assert.deepEqual(times("2026-01-01T02:59:59.999Z", "0 3 * * *", "UTC", 1), ["2026-01-01T03:00"]);
});
