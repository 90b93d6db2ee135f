/** Runs test files, each in a process of its own, and counts what really ran. */
import { spawn } from "node:child_process";
import { availableParallelism } from "node:os";

/** A file that takes longer hangs: its process is ended and the file has failed. */
const FILE_LIMIT = 5 * 60_000;

/**
 * @param {{ source: string, compiled: string }[]} files
 * @param {{ node?: string, label?: string, env?: Record<string, string> }} [options] node: the Node to run them on
 * @returns {Promise<{ passed: number, failed: number, skipped: number, skips: string[] }>} counts of tests; a file that
 *   ran no test at all, crashed or hung counts as one failure
 */
export async function runTests(files, { node = process.execPath, label = "", env = {} } = {}) {
  const total = { passed: 0, failed: 0, skipped: 0, skips: [] };
  const queue = [...files];
  let done = 0;
  const worker = async () => {
    for (let file = queue.shift(); file; file = queue.shift()) {
      const began = Date.now();
      const result = await runFile(node, file.compiled, env);
      const ran = result.passed + result.failed + result.skipped;
      if (result.problem === "" && ran === 0) result.problem = "it ran no test";
      if (result.problem !== "" && result.failed === 0) result.failed = 1;
      total.passed += result.passed;
      total.failed += result.failed;
      total.skipped += result.skipped;
      for (const skip of result.skips) total.skips.push(`${file.source}: ${skip}`);
      const counts = `${result.passed} passed${result.failed ? `, ${result.failed} failed` : ""}${result.skipped ? `, ${result.skipped} skipped` : ""}`;
      const seconds = ((Date.now() - began) / 1000).toFixed(1);
      process.stdout.write(
        `${result.failed ? "FAIL" : "ok  "} ${label}[${++done}/${files.length}] ${file.source}  ${counts}  ${seconds} s\n`,
      );
      if (result.failed)
        process.stdout.write(
          `${result.problem ? `     ${result.problem}\n` : ""}${indent(onlyFailures(result.output))}\n`,
        );
    }
  };
  await Promise.all(Array.from({ length: Math.min(2, availableParallelism()) }, worker));
  return total;
}

function runFile(node, file, env) {
  return new Promise((resolve) => {
    const child = spawn(node, ["--test-reporter=tap", file], {
      stdio: ["ignore", "pipe", "pipe"],
      env: { ...process.env, ...env },
    });
    let output = "";
    let hung = false;
    const limit = setTimeout(() => {
      hung = true;
      child.kill("SIGKILL");
    }, FILE_LIMIT);
    child.stdout.on("data", (chunk) => (output += chunk));
    child.stderr.on("data", (chunk) => (output += chunk));
    child.on("error", (error) => (output += `cannot start ${node}: ${error.message}\n`));
    child.on("close", (code, signal) => {
      clearTimeout(limit);
      const count = (what) => Number(new RegExp(`^# ${what} (\\d+)$`, "m").exec(output)?.[1] ?? 0);
      const failed = count("fail") + count("cancelled");
      let problem = "";
      if (hung) problem = `it hung: ended after ${FILE_LIMIT / 1000} s`;
      else if (code !== 0 && failed === 0)
        problem = `its process ended with ${signal ?? `exit code ${code}`}`;
      const skips = [...output.matchAll(/^\s*ok \d+ - (.*) # SKIP *(.*)$/gm)].map(
        ([, name, why]) => `${name}${why ? ` (${why})` : ""}`,
      );
      resolve({
        passed: count("pass"),
        failed,
        skipped: count("skipped") + count("todo"),
        skips,
        problem,
        output,
      });
    });
  });
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
