/** Runs test files, each in a process of its own, and counts what really ran. */
import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";

/** A file that takes longer hangs: its processes are ended and the file has failed. */
const FILE_LIMIT = 5 * 60_000;

/** What holds a file's output so long after its end is a process that it left behind. */
const LEFT_BEHIND_AFTER = 1_000;

/**
 * @param {{ source: string, compiled: string }[]} files
 * @param {{ node?: string, label?: string, env?: Record<string, string>, limit?: number, say?: (text: string) => void }}
 *   [options] node: the Node to run them on; limit: milliseconds until a file counts as hung
 * @returns {Promise<{ passed: number, failed: number, skipped: number, skips: string[] }>} counts of tests; a file that
 *   ran no test at all, crashed or hung counts as one failure
 */
export async function runTests(files, options = {}) {
  const { node = process.execPath, label = "", env = {}, limit = FILE_LIMIT } = options;
  const say = options.say ?? ((text) => process.stdout.write(text));
  const total = { passed: 0, failed: 0, skipped: 0, skips: [] };
  const queue = [...files];
  let done = 0;
  const worker = async () => {
    for (let file = queue.shift(); file; file = queue.shift()) {
      const began = Date.now();
      const result = await runFile(node, file.compiled, env, limit);
      if (result.problem !== "" && result.failed === 0) result.failed = 1;
      total.passed += result.passed;
      total.failed += result.failed;
      total.skipped += result.skipped;
      for (const skip of result.skips) total.skips.push(`${file.source}: ${skip}`);
      const counts = `${result.passed} passed${result.failed ? `, ${result.failed} failed` : ""}${result.skipped ? `, ${result.skipped} skipped` : ""}`;
      const seconds = ((Date.now() - began) / 1000).toFixed(1);
      say(
        `${result.failed ? "FAIL" : "ok  "} ${label}[${++done}/${files.length}] ${file.source}  ${counts}  ${seconds} s\n`,
      );
      if (result.failed)
        say(
          `${result.problem ? `     ${result.problem}\n` : ""}${indent(`${onlyFailures(result.report)}${result.output}`)}\n`,
        );
    }
  };
  const unguard = guardGroups();
  try {
    await Promise.all(Array.from({ length: Math.min(2, availableParallelism()) }, worker));
  } finally {
    unguard();
  }
  return total;
}

/** Process groups that run now: detached from the terminal, so that its Ctrl-C reaches them only through us. */
const groups = new Set();

function endGroup(leader) {
  try {
    process.kill(-leader, "SIGKILL");
  } catch {
    // Nobody is left in it.
  }
}

/** Ends what runs when this process is asked to end; returns the end of that. */
function guardGroups() {
  const handlers = [
    ["SIGINT", 130],
    ["SIGTERM", 143],
  ].map(([signal, code]) => [
    signal,
    () => {
      for (const leader of groups) endGroup(leader);
      process.exit(code);
    },
  ]);
  for (const [signal, handler] of handlers) process.on(signal, handler);
  return () => {
    for (const [signal, handler] of handlers) process.off(signal, handler);
  };
}

function runFile(node, file, env, limit) {
  return new Promise((resolve) => {
    // The report has a file of its own: what a test prints cannot be taken for it.
    const folder = mkdtempSync(join(tmpdir(), "outrigger-tests-"));
    const reportFile = join(folder, "report.tap");
    const child = spawn(
      node,
      ["--test-reporter=tap", `--test-reporter-destination=${reportFile}`, file],
      // A process group of its own: whatever the file started, and left, ends with it.
      { stdio: ["ignore", "pipe", "pipe"], env: { ...process.env, ...env }, detached: true },
    );
    let output = "";
    let hung = false;
    if (child.pid !== undefined) groups.add(child.pid);
    const timer = setTimeout(() => {
      hung = true;
      endGroup(child.pid);
    }, limit);
    child.stdout.on("data", (chunk) => (output += chunk));
    child.stderr.on("data", (chunk) => (output += chunk));
    child.on("error", (error) => (output += `cannot start ${node}: ${error.message}\n`));
    let leftBehind = false;
    let waiting;
    // Before "close", which waits for everybody who holds the pipes: who left the group does, and is not waited for.
    child.on("exit", () => {
      endGroup(child.pid);
      waiting = setTimeout(() => {
        leftBehind = true;
        child.stdout.destroy();
        child.stderr.destroy();
      }, LEFT_BEHIND_AFTER);
    });
    child.on("close", (code, signal) => {
      clearTimeout(timer);
      clearTimeout(waiting);
      groups.delete(child.pid);
      const report = readReport(reportFile);
      rmSync(folder, { recursive: true, force: true });
      const counts = countReport(report);
      const { passed, failed, skipped } = counts ?? { passed: 0, failed: 0, skipped: 0 };
      let problem = "";
      if (hung) problem = `it hung: ended after ${limit / 1000} s, and after ${lastEnded(report)}`;
      else if (counts === null)
        problem = `it has no tests, or ended before they did, with ${signal ?? `exit code ${code}`}`;
      else if (code !== 0 && failed === 0)
        problem = `its process ended with ${signal ?? `exit code ${code}`}`;
      else if (passed + failed + skipped === 0) problem = "it ran no test";
      if (leftBehind)
        problem = [problem, "it left a process behind that holds its output"].filter(Boolean).join("; ");
      const skips = [...report.matchAll(/^\s*ok \d+ - (.*) # SKIP *(.*)$/gm)].map(
        ([, name, why]) => `${name}${why ? ` (${why})` : ""}`,
      );
      resolve({ passed, failed, skipped, skips, problem, report, output });
    });
  });
}

function readReport(file) {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return ""; // It ended before it had one.
  }
}

/** Which test a report was at, as far as it tells: those of a group are in it when all of them have ended. */
function lastEnded(report) {
  const [, name] = [...report.matchAll(/^ *(?:not )?ok \d+ - (.*)$/gm)].at(-1) ?? [];
  return name === undefined ? "no test" : JSON.stringify(name);
}

/**
 * The counts of a TAP report, as the runner's summary has them: what follows the last plan of the whole (`1..N` at the
 * line's start). Tests can write comments too (`t.diagnostic`), but only before it.
 * @param {string} tap
 * @returns {{ passed: number, failed: number, skipped: number } | null} null: the report has no end
 */
export function countReport(tap) {
  const plan = [...tap.matchAll(/^1\.\.\d+$/gm)].at(-1);
  if (!plan) return null;
  const summary = tap.slice(plan.index);
  const count = (what) => Number(new RegExp(`^# ${what} (\\d+)$`, "m").exec(summary)?.[1] ?? NaN);
  const [passed, failed, skipped] = [
    count("pass"),
    count("fail") + count("cancelled"),
    count("skipped") + count("todo"),
  ];
  if (!(passed + failed + skipped === count("tests"))) return null;
  // A hook of the whole file that fails is in no count, and Node 24 even exits with 0 then.
  const notOk = tap.match(/^not ok (?!.* # (?:TODO|SKIP)\b).*$/gm)?.length ?? 0;
  return { passed, failed: Math.max(failed, notOk), skipped };
}

/** The failed tests' parts of a TAP report, and whatever was not TAP. */
function onlyFailures(tap) {
  const lines = tap.split("\n");
  const kept = [];
  let keep = true;
  for (const line of lines) {
    if (/^\s*(ok \d+|# Subtest:|1\.\.\d+|TAP version)/.test(line)) keep = false;
    else if (/^\s*not ok \d+/.test(line)) keep = true;
    else if (line.startsWith("# ")) keep = false;
    if (keep) kept.push(line);
  }
  return kept.slice(0, 400).join("\n");
}

const indent = (text) => text.replace(/^/gm, "     ");
