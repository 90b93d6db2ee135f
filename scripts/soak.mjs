/**
 * npm run soak [-- --short] [PART ...]: many connections, large bodies, many reloads, a long load, a backlog of a million jobs;
 * memory stays flat and nothing is lost; the elector's simulation over many seeds. Ends with `N passed, N failed, N skipped`, a
 * part being one test; exits 1 when one failed. The full form keeps its figures in test/soak/results/soak.json and writes them
 * into the patterns' READMEs.
 */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { parseArgs } from "node:util";
import { requireNode, ROOT, setup } from "./setup.mjs";

requireNode();
const usage = (problem) => {
  process.stderr.write(`${problem}\nusage: npm run soak [-- [--short] [PART ...]]\n`);
  process.exit(2);
};
let words;
try {
  words = parseArgs({
    allowPositionals: true,
    options: { short: { type: "boolean", default: false } },
  });
} catch (error) {
  usage(error.message);
}
try {
  await setup();
} catch (error) {
  process.stderr.write(`${error.message}\n`);
  process.exit(1);
}
const { PARTS, runSoak } = await import(join(ROOT, "test", "dist", "soak", "main.js"));
const { report } = await import(join(ROOT, "test", "dist", "soak", "report.js"));
const { short } = words.values;
const unknown = words.positionals.filter((name) => !Object.hasOwn(PARTS, name));
if (unknown.length > 0)
  usage(`there is no part ${unknown.join(", ")}; there are: ${Object.keys(PARTS).join(", ")}`);
const names = words.positionals.length > 0 ? words.positionals : Object.keys(PARTS);
const say = (text) => process.stdout.write(text);
const { result, failed } = await runSoak(names, short, say);
if (!short) {
  const file = join(ROOT, "test", "soak", "results", "soak.json");
  mkdirSync(dirname(file), { recursive: true });
  // A part that was run by itself takes the place of its former result.
  const kept = existsSync(file) ? JSON.parse(readFileSync(file, "utf8")).parts : [];
  const parts = Object.keys(PARTS).flatMap(
    (kind) =>
      result.parts.find((part) => part.kind === kind) ?? kept.find((part) => part.kind === kind) ?? [],
  );
  writeFileSync(file, `${JSON.stringify({ ...result, parts }, null, 2)}\n`);
  report(say);
}
say(`\n${names.length - failed} passed, ${failed} failed, 0 skipped\n`);
process.exit(failed > 0 ? 1 : 0);
