/**
 * npm run bench -- http [--rounds 5] [--seconds 4]: measures, prints, keeps the JSON, and writes table and chart into
 * the README of what was measured. Exits 1 when a figure is not what it must be.
 */
import { spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { isOnPath } from "./peers.mjs";
import { requireNode, ROOT, setup } from "./setup.mjs";
import { fetchNode, IMAGE_NODE } from "./node-binary.mjs";

const BENCHES = ["http"];

requireNode();
const words = process.argv.slice(2);
const option = (name, fallback) => {
  const at = words.indexOf(`--${name}`);
  return at < 0 ? fallback : Number(words[at + 1]);
};
const names = words.filter((word, index) => !word.startsWith("--") && !words[index - 1]?.startsWith("--"));
const unknown = names.filter((name) => !BENCHES.includes(name));
if (names.length === 0 || unknown.length > 0) {
  process.stderr.write(
    `${unknown.length > 0 ? `there is no bench ${unknown.join(", ")}; ` : ""}usage: npm run bench -- ${BENCHES.join(" | ")} [--rounds 5] [--seconds 4]\n`,
  );
  process.exit(2);
}
let node;
try {
  await setup();
  node = fetchNode(IMAGE_NODE);
} catch (error) {
  process.stderr.write(`${error.message}\n`);
  process.exit(1);
}
const dist = join(ROOT, "test", "dist", "bench");
const { benchHttp } = await import(join(dist, "http.js"));
const { failures, markdownTable, replaceBetweenMarks, svgChart } = await import(join(dist, "report.js"));
const result = await benchHttp({
  node,
  nodeVersion: spawnSync(node, ["--version"], { encoding: "utf8" }).stdout.trim(),
  bin: join(ROOT, "packages", "ambassador", "bin", "outrigger-ambassador.js"),
  servers: join(dist, "servers"),
  rounds: option("rounds", 5),
  seconds: option("seconds", 4),
  isOnPath,
  say: (text) => process.stdout.write(text),
});
const results = join(ROOT, "test", "bench", "results");
const table = `Node ${result.node}, ${result.rounds} rounds of ${result.seconds} s, medians; \`npm run bench -- http\` wrote this.\n\n${markdownTable(result)}\n\n![CPU per request](bench-http.svg)`;
process.stdout.write(`\n${table}\n`);
if (!words.includes("--dry-run")) {
  writeFileSync(join(results, "http.json"), `${JSON.stringify(result, null, 2)}\n`);
  writeFileSync(join(ROOT, "packages", "ambassador", "bench-http.svg"), svgChart(result));
  replaceBetweenMarks(join(ROOT, "packages", "ambassador", "README.md"), "bench", table);
}
const missed = failures(result);
for (const line of missed) process.stdout.write(`MISSED: ${line}\n`);
process.exit(missed.length > 0 ? 1 : 0);
