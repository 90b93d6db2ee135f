import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { until } from "./polling.ts";

interface Counts {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}
const { countReport, runTests } = (await import(
  new URL("../../../scripts/run-tests.mjs", import.meta.url).href
)) as {
  countReport(tap: string): Counts | null;
  runTests(
    files: readonly { readonly source: string; readonly compiled: string }[],
    options: { readonly limit?: number; say(text: string): void },
  ): Promise<Counts & { readonly skips: readonly string[] }>;
};

/** Runs one file with that text; what the runner said, and its counts. */
async function run(context: TestContext, text: string, limit = 60_000) {
  const folder = mkdtempSync(join(tmpdir(), "outrigger-run-tests-"));
  context.after(() => rmSync(folder, { recursive: true, force: true }));
  const compiled = join(folder, "x.test.mjs");
  writeFileSync(compiled, text);
  let said = "";
  const { passed, failed, skipped, skips } = await runTests([{ source: "x.test.ts", compiled }], {
    limit,
    say: (line) => (said += line),
  });
  return { counts: [passed, failed, skipped], skips, said, folder };
}

const IMPORT = 'import { test } from "node:test";\n';

test("what really ran is counted: passed, failed, skipped with the reason", async (context) => {
  // The skip stands in the text of a test file made for this test: the runner must count it.
  const { counts, skips, said } = await run(
    context,
    `${IMPORT}test("a", () => {}); test("b", () => { throw new Error("no b"); }); test("c", { skip: "no c here" }, () => {});`,
  );
  assert.deepEqual(counts, [1, 1, 1]);
  assert.deepEqual(skips, ["x.test.ts: c (no c here)"]);
  assert.match(said, /^FAIL \[1\/1\] x\.test\.ts {2}1 passed, 1 failed, 1 skipped/);
  assert.match(said, /no b/);
});

test("a test that prints a summary, on stdout or as a diagnostic, fools nobody", async (context) => {
  const lie = "1..999\\n# tests 999\\n# pass 999\\n# fail 0";
  const { counts } = await run(
    context,
    `${IMPORT}console.log("${lie}"); test("a", (t) => { t.diagnostic("${lie}"); console.log("${lie}"); }); process.on("exit", () => console.log("${lie}"));`,
  );
  assert.deepEqual(counts, [1, 0, 0]);
  assert.deepEqual(
    (await run(context, 'console.log("1..999\\n# tests 1\\n# pass 1\\n# fail 0")')).counts,
    [0, 1, 0],
  );
});

test("a report without its end counts for nothing", () => {
  const end =
    "# tests 2\n# suites 0\n# pass 1\n# fail 0\n# cancelled 0\n# skipped 1\n# todo 0\n# duration_ms 1\n";
  assert.deepEqual(countReport(`TAP version 13\nok 1 - a\n1..1\n# pass 7\n1..2\n${end}`), {
    passed: 1,
    failed: 0,
    skipped: 1,
  });
  assert.equal(countReport(`TAP version 13\nok 1 - a\n# pass 1\n`), null);
  assert.equal(countReport(`1..2\n${end.replace("# pass 1", "# pass 2")}`), null);
  assert.equal(countReport(""), null);
});

test("a hook of the file that fails is a failure, though no summary counts it", async (context) => {
  const { counts, said } = await run(
    context,
    `import { after, test } from "node:test"; after(() => { throw new Error("no end"); }); test("a", () => {});`,
  );
  assert.deepEqual(counts, [1, 1, 0]);
  assert.match(said, /no end/);
  const tap = (line: string): string =>
    `ok 1 - a\n${line}\n1..1\n# tests 1\n# pass 1\n# fail 0\n# cancelled 0\n# skipped 0\n# todo 0\n`;
  assert.equal(countReport(tap("not ok 2 - x.mjs"))?.failed, 1);
  // A line as node:test reports a test marked todo: it may fail, and is no failure.
  assert.equal(countReport(tap("not ok 2 - later # TODO"))?.failed, 0);
});

test(
  "a process that left the group and holds the output is not waited for, and is told",
  { timeout: 30_000 },
  async (context) => {
    const text = WITH_CHILD('test("a", () => {}); child.unref();').replace(
      '{ stdio: "inherit" }',
      '{ stdio: "inherit", detached: true }',
    );
    const { said, folder } = await run(context, text);
    process.kill(Number(readFileSync(join(folder, "pid"), "utf8")), "SIGKILL");
    assert.match(said, /it left a process behind that holds its output/);
  },
);

test("a file that exits in the middle, crashes, or has no test has failed", async (context) => {
  for (const [text, problem] of [
    [
      `${IMPORT}test("a", () => {}); test("b", () => process.exit(0));`,
      /it has no tests, or ended before they did, with exit code 0/,
    ],
    ["throw new Error('at once')", /at once/],
    ["", /it has no tests, or ended before they did/],
  ] as const) {
    const { counts, said } = await run(context, text);
    assert.equal(counts[1], 1, said);
    assert.match(said, problem);
  }
});

/** The test starts a process of its own, which would live for an hour, and writes down its pid. */
const WITH_CHILD = (folderOf: string): string =>
  `${IMPORT}import { spawn } from "node:child_process"; import { writeFileSync } from "node:fs"; import { dirname, join } from "node:path"; import { fileURLToPath } from "node:url";
  const child = spawn(process.execPath, ["-e", "setTimeout(() => {}, 3_600_000)"], { stdio: "inherit" });
  writeFileSync(join(dirname(fileURLToPath(import.meta.url)), "pid"), String(child.pid));
  ${folderOf}`;

function isAlive(pid: number): boolean {
  try {
    // Dead and not yet reaped by whoever inherited it is dead.
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, "utf8"));
  } catch {
    return false;
  }
}

for (const [sentence, body, limit, expected] of [
  ["hangs", 'test("a", () => new Promise(() => {}));', 3_000, /it hung: ended after 3 s, and after no test/],
  [
    ...([
      "hangs at the second",
      'test("a", () => {}); test("b", () => new Promise(() => {}));',
      3_000,
    ] as const),
    /it hung: ended after 3 s, and after "a"/,
  ],
  ["leaves it behind", 'test("a", () => {}); child.unref();', 60_000, /^ok /],
] as const) {
  test(
    `a file that ${sentence} takes what it started with it`,
    { skip: process.platform === "linux" ? false : "needs /proc", timeout: 60_000 },
    async (context) => {
      const { said, folder } = await run(context, WITH_CHILD(body), limit);
      assert.match(said, expected);
      // Its files are closed before it is a zombie.
      await until("it is dead", () => !isAlive(Number(readFileSync(join(folder, "pid"), "utf8"))));
    },
  );
}
