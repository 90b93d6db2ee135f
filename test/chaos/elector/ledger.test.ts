/** The checker finds what must not be: in journals made by hand, and in real ones of contenders with a mistake. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { until } from "../../support/polling.ts";
import { Field } from "./field.ts";
import { judgeLedger, parseJournal, termsOf, type Act } from "./ledger.ts";
import { BOUNDS } from "./timing.ts";

/** Times in milliseconds, for reading. */
const line = (kind: string, from: number, to: number, token: number): string =>
  `${kind} ${from}000000 ${to}000000 ${token}\n`;

const sound = {
  a:
    line("acquired", 0, 5, 1) +
    line("believed", 10, 10, 1) +
    line("renewed", 500, 505, 2) +
    line("believed", 2_400, 2_400, 1),
  b: line("acquired", 4_000, 4_005, 3) + line("believed", 4_010, 4_011, 3),
};
const judge = (journals: Record<string, string>, acts: Act[] = []): string[] =>
  judgeLedger(new Map(Object.entries(journals).map(([name, text]) => [name, parseJournal(text)])), acts);

test("a sound course is passed", () => {
  const act = (at: number, token: bigint, accepted: boolean): Act => ({
    at: BigInt(at) * 1_000_000n,
    token,
    accepted,
  });
  assert.deepEqual(judge(sound, [act(20, 1n, true), act(4_011, 3n, true), act(4_012, 1n, false)]), []);
});

for (const [what, journals, acts, why] of [
  [
    "two who believe at once",
    { ...sound, b: line("believed", 2_390, 2_391, 3) },
    [],
    /two led at once: a \(token 1\) still for 9.0 ms after b/,
  ],
  ["a token that falls", { ...sound, c: line("acquired", 5_000, 5_001, 2) }, [], /token 2 was given after 3/],
  [
    "a token that was given twice",
    { ...sound, c: line("acquired", 5_000, 5_001, 3) },
    [],
    /token 3 was given twice/,
  ],
  [
    "belief past its deadline",
    { ...sound, a: `${sound.a}${line("believed", 2_600, 2_600, 1)}` },
    [],
    /a \(token 1\) believed 100.0 ms past/,
  ],
  [
    "belief without a lease",
    { a: line("believed", 1, 1, 1) },
    [],
    /which is not that of its last acquisition/,
  ],
  [
    "a leader who was refused",
    sound,
    [{ at: 2_000_000_000n, token: 1n, accepted: false }],
    /a was refused \(token 1\) while it led/,
  ],
  [
    "a resource that takes everything",
    sound,
    [3n, 1n].map((token) => ({ at: 0n, token, accepted: true })),
    /took token 1 after 3/,
  ],
  ["nobody who leads", { a: "" }, [], /nobody ever led/],
] as const)
  test(`${what}: found`, () => assert.match(judge(journals, [...acts]).join("\n"), why));

test("who was paused between looking at the clock and asking is given the benefit of the doubt", () => {
  const paused = {
    ...sound,
    a: line("acquired", 0, 5, 1) + line("believed", 10, 10, 1) + line("believed", 1_900, 9_000, 1),
  };
  assert.deepEqual(judge(paused), []);
});

test("a contender that remembers what it was told, instead of asking at each act, is found out by one pause", async () => {
  const field = await Field.start(2, (folder) => `file:${folder}/lease`, "mistaken");
  try {
    const beginning = process.hrtime.bigint();
    await until("one leads", () => field.leaderSince(beginning) !== null);
    const first = field.leaderSince(beginning)?.contender;
    assert.ok(first);
    first.pause();
    const paused = process.hrtime.bigint();
    await until("another leads", () => field.leaderSince(paused, first) !== null, 3 * BOUNDS.crash);
    const asked = first.entries.length;
    first.resume();
    await until("the first was asked", () => first.entries.length > asked);
    const { journals } = field;
    assert.equal(termsOf(journals).length, 2);
    const broken = judgeLedger(journals, field.resource.acts).join("\n");
    assert.match(broken, /two led at once/);
    assert.match(broken, /past its deadline/);
  } finally {
    await field.end();
  }
});
