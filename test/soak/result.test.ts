import assert from "node:assert/strict";
import { test } from "node:test";
import { backlogSentence, electionsSentence, markdownTable } from "./report.ts";
import { problems, type PartResult } from "./result.ts";

const MEBIBYTE = 1024 * 1024;
const flat = { base: 60 * MEBIBYTE, max: 70 * MEBIBYTE, end: 65 * MEBIBYTE, rise: 10 * MEBIBYTE, samples: 9 };
const steep = { ...flat, max: 93 * MEBIBYTE, rise: 33 * MEBIBYTE };
const steady: PartResult = { kind: "steady", seconds: 10, requests: 5, failures: [], memory: flat };
const reloads: PartResult = {
  kind: "reloads",
  reloads: 1000,
  seconds: 9,
  requests: 5,
  failures: [],
  filesBase: 20,
  filesEnd: 21,
  memory: flat,
};
const library: PartResult = {
  kind: "library",
  reloads: 1000,
  resourcesBefore: { Timeout: 1 },
  resourcesAfter: { Timeout: 1 },
  heapBefore: 12 * MEBIBYTE,
  heapAfter: 12 * MEBIBYTE,
};
const connections: PartResult = {
  kind: "connections",
  hardFileLimit: 20_000,
  connections: 19_500,
  requests: 1,
  failures: [],
  holdSeconds: 1,
  rssBefore: 60 * MEBIBYTE,
  rssOpen: 260 * MEBIBYTE,
  rssClosed: 91 * MEBIBYTE,
  closedSeconds: 12,
  bytesPerConnection: 10_000,
  memory: flat,
};
const transfer = { name: "download, sized", seconds: 1, stoppedSeconds: 1, same: true };
const bodies: PartResult = { kind: "bodies", bytes: 1024, transfers: [transfer], memory: flat };
const field = { field: "mixed", seeds: 10, acquisitions: 50, faults: 400, broken: [] };
const elections: PartResult = { kind: "elections", seconds: 1, fields: [field] };
const front = { name: "front", memory: flat, scrapes: 100, scrapeP99: 9, scrapeMax: 60 };
const backlog: PartResult = {
  kind: "queue",
  jobs: 10,
  seconds: 1,
  requests: 5,
  failures: [],
  missing: 0,
  repeated: 0,
  processes: [front],
};
const wells = [steady, reloads, library, connections, bodies, elections, backlog];

test("a part that is as it must be has no problem", () => {
  for (const part of wells) assert.deepEqual(problems(part), [], part.kind);
});

for (const [sentence, part, wanted] of [
  ["memory that rises by more than 32 MB is a problem", { ...steady, memory: steep }, /rose by 33\.0 MB/],
  ["a lost request is a problem", { ...steady, failures: ["request 7"] }, /1 requests failed.*request 7/],
  ["a load that never came is a problem", { ...steady, requests: 0 }, /not one request/],
  ["files that stay open are a problem", { ...reloads, filesEnd: 22 }, /2 files more/],
  ["timers left over are a problem", { ...library, resourcesAfter: { Timeout: 3 } }, /2 more of Timeout/],
  ["a heap that grows is a problem", { ...library, heapAfter: 14 * MEBIBYTE }, /heap grew by 2\.0 MB/],
  [
    "memory that is not given back is a problem",
    { ...connections, rssClosed: 93 * MEBIBYTE },
    /33\.0 MB more/,
  ],
  [
    "a body that changed is a problem",
    { ...bodies, transfers: [{ ...transfer, same: false }] },
    /not what was/,
  ],
  [
    "a promise of the elector's that did not hold is a problem",
    { ...elections, fields: [{ ...field, broken: ["seed 7: two believe"] }] },
    /mixed, seed 7: two believe/,
  ],
  [
    "an election in which hardly anybody led is a problem",
    { ...elections, fields: [{ ...field, acquisitions: 9 }] },
    /9 acquisitions in 10 seeds/,
  ],
  ["a job that is missing is a problem", { ...backlog, missing: 1 }, /1 jobs did not come/],
  ["a job that is done again is a problem", { ...backlog, repeated: 2 }, /2 jobs came again/],
  [
    "a front that keeps a part of the backlog in memory is a problem",
    { ...backlog, processes: [{ ...front, memory: steep }] },
    /of the front rose by 33\.0 MB/,
  ],
  [
    "metrics that come late are a problem",
    { ...backlog, processes: [{ ...front, scrapeP99: 51 }] },
    /of the front took 51 ms/,
  ],
] as const satisfies readonly (readonly [string, PartResult, RegExp])[]) {
  test(sentence, () => {
    const [first = "", ...others] = problems(part);
    assert.match(first, wanted);
    assert.deepEqual(others, []);
    const result = { node: "v0", short: false, parts: [part] };
    const text =
      part.kind === "elections"
        ? electionsSentence(result)
        : part.kind === "queue"
          ? backlogSentence(result)
          : markdownTable(result);
    assert.ok(text.includes(first), "and the README says so");
  });
}
