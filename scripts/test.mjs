/** npm test [-- PART-OF-A-PATH ...]: sets up, lints, runs every test (or those whose path has one of the parts). */
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { missingPeers } from "./peers.mjs";
import { runTests } from "./run-tests.mjs";
import { requireNode, ROOT, setup } from "./setup.mjs";
import { testFiles } from "./test-files.mjs";

requireNode();
const parts = process.argv.slice(2);
try {
  await setup();
} catch (error) {
  process.stderr.write(`${error.message}\n`);
  process.exit(1);
}
const files = testFiles((source) => parts.length === 0 || parts.some((part) => source.includes(part)));
if (files.length === 0) {
  process.stderr.write(`no test file's path has ${parts.join(" or ")}\n`);
  process.exit(1);
}
const total = await runTests(files);
if (parts.length === 0) {
  const lint = spawnSync(process.execPath, [join(ROOT, "scripts", "lint.mjs")], { stdio: "inherit" });
  if (lint.status === 0) total.passed++;
  else total.failed++;
}
if (total.skips.length > 0) {
  process.stdout.write(
    `\nSKIPPED, because something is not there:\n${total.skips.map((skip) => `  ${skip}`).join("\n")}\n`,
  );
}
const missing = missingPeers();
if (missing.length > 0) {
  process.stdout.write(
    `\nNOT ON PATH: ${missing.map(({ command }) => command).join(", ")}. As root on Debian, npm run setup:peers installs them.\n`,
  );
}
process.stdout.write(`\n${total.passed} passed, ${total.failed} failed, ${total.skipped} skipped\n`);
process.exit(total.failed > 0 ? 1 : 0);
