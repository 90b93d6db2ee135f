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

// By hand, of each zone's rules: what clocks show, and UTC. Cairo, Santiago and Beirut set them at midnight; Lord Howe by half an hour.
const clocks: readonly (readonly [
  what: string,
  after: string,
  when: string,
  zone: string,
  expected: string[],
])[] = [
  [
    "left out: an hour later",
    "2027-03-27T12:00",
    "30 2 * * *",
    "Europe/Berlin",
    ["2027-03-28T01:30", "2027-03-29T00:30"],
  ],
  [
    ...(["left out, several: each", "2027-03-28T00:00", "0,20,40 2 * * *", "Europe/Berlin"] as const),
    ["2027-03-28T01:00", "2027-03-28T01:20", "2027-03-28T01:40", "2027-03-29T00:00"],
  ],
  [
    "left out, beside one that is not: once",
    "2027-03-28T00:00",
    "0 2,3 * * *",
    "Europe/Berlin",
    ["2027-03-28T01:00", "2027-03-29T00:00"],
  ],
  [
    "left out, of every hour",
    "2027-03-28T00:00",
    "30 * * * *",
    "Europe/Berlin",
    ["2027-03-28T00:30", "2027-03-28T01:30", "2027-03-28T02:30"],
  ],
  [
    "twice: once",
    "2027-10-30T12:00",
    "30 2 * * *",
    "Europe/Berlin",
    ["2027-10-31T00:30", "2027-11-01T01:30"],
  ],
  ["twice, asked between: no more", "2027-10-31T00:45", "30 2 * * *", "Europe/Berlin", ["2027-11-01T01:30"]],
  [
    ...(["twice, of every hour: each", "2027-10-30T23:50", "*/30 * * * *", "Europe/Berlin"] as const),
    ["2027-10-31T00:00", "2027-10-31T00:30", "2027-10-31T01:00", "2027-10-31T01:30", "2027-10-31T02:00"],
  ],
  [
    "midnight left out",
    "2027-04-28T22:30",
    "0 0 * * *",
    "Africa/Cairo",
    ["2027-04-29T22:00", "2027-04-30T21:00"],
  ],
  [
    "midnight left out, by a step",
    "2027-04-28T22:30",
    "0 */24 * * *",
    "Africa/Cairo",
    ["2027-04-29T22:00", "2027-04-30T21:00"],
  ],
  [
    "left out, by a step",
    "2027-03-27T23:30",
    "30 */2 * * *",
    "Europe/Berlin",
    ["2027-03-28T01:30", "2027-03-28T02:30"],
  ],
  [
    "twice, by a step: once",
    "2027-10-31T00:00",
    "30 */2 * * *",
    "Europe/Berlin",
    ["2027-10-31T00:30", "2027-10-31T03:30"],
  ],
  [
    "twice, of every hour by its numbers",
    "2027-10-31T00:00",
    "30 0-23 * * *",
    "Europe/Berlin",
    ["2027-10-31T00:30", "2027-10-31T01:30"],
  ],
  [
    "midnight left out, weekly",
    "2027-08-30T00:00",
    "0 0 * * SUN",
    "America/Santiago",
    ["2027-09-05T04:00", "2027-09-12T03:00"],
  ],
  [
    "midnight left out, daily",
    "2027-03-27T12:00",
    "0 0 * * *",
    "Asia/Beirut",
    ["2027-03-27T22:00", "2027-03-28T21:00"],
  ],
  [
    ...(["by half an hour, back", "2027-04-03T14:40", "*/15 * * * *", "Australia/Lord_Howe"] as const),
    ["2027-04-03T14:45", "2027-04-03T15:00", "2027-04-03T15:15", "2027-04-03T15:30"],
  ],
  [
    ...(["by half an hour, forward", "2027-10-02T15:20", "*/15 * * * *", "Australia/Lord_Howe"] as const),
    ["2027-10-02T15:30", "2027-10-02T15:45", "2027-10-02T16:00"],
  ],
  [
    "a day that a zone left out",
    "2011-12-29T00:00",
    "0 12 * * *",
    "Pacific/Apia",
    ["2011-12-29T22:00", "2011-12-30T22:00"],
  ],
  [
    "the last day of a leap February",
    "2027-01-01T00:00",
    "0 9 29 2 *",
    "Asia/Kolkata",
    ["2028-02-29T03:30", "2032-02-29T03:30"],
  ],
];
for (const [what, after, when, zone, expected] of clocks)
  test(`${when} in ${zone}: ${what}`, () => {
    assert.deepEqual(times(`${after}:00Z`, when, zone, expected.length), expected);
  });

test("each day of a year has its time after midnight, where clocks are set there and where they are not", () => {
  for (const zone of [
    ...[
      "Africa/Cairo",
      "Africa/Casablanca",
      "America/Havana",
      "America/Santiago",
      "America/Nuuk",
      "Antarctica/Troll",
    ],
    ...[
      "Asia/Beirut",
      "Asia/Gaza",
      "Atlantic/Azores",
      "Australia/Lord_Howe",
      "Europe/Chisinau",
      "Pacific/Easter",
      "UTC",
    ],
  ]) {
    const dayOf = Intl.DateTimeFormat("en-CA", { timeZone: zone });
    let at = Date.UTC(2027, 0, 3, 12);
    for (let day = 4; day < 400; day++) {
      at = nextTime(at, "15 0 * * *", zone);
      assert.equal(dayOf.format(at), new Date(Date.UTC(2027, 0, day)).toISOString().slice(0, 10), zone);
    }
  }
});

test("a time is after the one that is given, also where that is one", () => {
  assert.deepEqual(times("2026-01-01T03:00:00Z", "0 3 * * *", "UTC", 1), ["2026-01-02T03:00"]);
  assert.deepEqual(times("2026-01-01T02:59:59.999Z", "0 3 * * *", "UTC", 1), ["2026-01-01T03:00"]);
});
