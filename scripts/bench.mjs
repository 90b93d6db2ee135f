/**
 * npm run bench -- NAME: measures, prints, keeps the JSON, and writes the table (of http also the chart) into the README of
 * what was measured. http takes --rounds 5 and --seconds 4, queue --rounds 5, --jobs 10000 and --seconds 10; elector and queue
 * take --short, which keeps nothing. --dry-run writes nothing. Exits 1 when a figure is not what it must be.
 */
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { isOnPath } from "./peers.mjs";
import { requireNode, ROOT, setup } from "./setup.mjs";
import { fetchNode, IMAGE_NODE } from "./node-binary.mjs";

const BENCHES = { http: runHttp, elector: runElector, queue: runQueue };

requireNode();
const MANUAL =
  "usage: npm run bench -- http [--rounds 5] [--seconds 4] | elector [--short] | queue [--rounds 5] [--jobs 10000] [--seconds 10] [--short]; each with --dry-run keeps nothing";
const usage = (problem) => {
  process.stderr.write(`${problem}${MANUAL}\n`);
  process.exit(2);
};
const number = { type: "string" };
const flag = { type: "boolean", default: false };
let words;
try {
  words = parseArgs({
    allowPositionals: true,
    options: {
      ...{ rounds: number, seconds: number, jobs: number },
      ...{ short: flag, "dry-run": flag, help: flag },
    },
  });
} catch (error) {
  usage(`${error.message}\n`);
}
const { values, positionals: names } = words;
if (values.help) {
  process.stdout.write(`${MANUAL}\n`);
  process.exit(0);
}
for (const name of ["rounds", "seconds", "jobs"])
  if (values[name] !== undefined && !/^[1-9]\d{0,6}$/.test(values[name]))
    usage(`--${name} ${values[name]}: accepted is a whole number, 1 or more\n`);
const option = (name, fallback) => Number(values[name] ?? fallback);
const { short } = values;
const unknown = names.filter((name) => !Object.hasOwn(BENCHES, name));
if (names.length !== 1 || unknown.length > 0)
  usage(unknown.length > 0 ? `there is no bench ${unknown.join(", ")}; ` : "");
let node;
try {
  await setup();
  node = fetchNode(IMAGE_NODE);
} catch (error) {
  process.stderr.write(`${error.message}\n`);
  process.exit(1);
}
const dist = join(ROOT, "test", "dist", "bench");
const results = join(ROOT, "test", "bench", "results");
const nodeVersion = spawnSync(node, ["--version"], { encoding: "utf8" }).stdout.trim();
const say = (text) => process.stdout.write(text);
const isKept = !values["dry-run"] && !short;
const { failures, markdownTable, replaceBetweenMarks, svgChart } = await import(join(dist, "report.js"));
const missed = await BENCHES[names[0]]();
for (const line of missed) say(`MISSED: ${line}\n`);
process.exit(missed.length > 0 ? 1 : 0);

function keep(name, pattern, result, table) {
  say(`\n${table}\n`);
  if (!isKept) return;
  writeFileSync(join(results, `${name}.json`), `${JSON.stringify(result, null, 2)}\n`);
  replaceBetweenMarks(join(ROOT, "packages", pattern, "README.md"), "bench", table);
}

async function runHttp() {
  const { benchHttp } = await import(join(dist, "http.js"));
  const result = await benchHttp({
    node,
    nodeVersion,
    bin: join(ROOT, "packages", "ambassador", "bin", "outrigger-ambassador.js"),
    servers: join(dist, "servers"),
    rounds: option("rounds", 5),
    seconds: option("seconds", 4),
    isOnPath,
    say,
  });
  const table = `Node ${result.node}, ${result.rounds} rounds of ${result.seconds} s, medians; \`npm run bench -- http\` wrote this.\n\n${markdownTable(result)}\n\n![CPU per request](bench-http.svg)`;
  keep("http", "ambassador", result, table);
  if (isKept)
    writeFileSync(
      join(ROOT, "packages", "ambassador", "bench-http.svg"),
      svgChart(result.workloads, "request"),
    );
  return failures(result);
}

async function runElector() {
  const { benchElector } = await import(join(dist, "elector.js"));
  const { electorFailures, electorTable } = await import(join(dist, "elector-result.js"));
  const { bundle } = await import("./images/bundle.mjs");
  const { patterns } = await import("./patterns.mjs");
  const rootfs = mkdtempSync(join(tmpdir(), "outrigger-bench-"));
  try {
    await bundle(
      patterns().find(({ name }) => name === "leader-elector"),
      rootfs,
    );
    const main = join(rootfs, "outrigger", "dist", "main.mjs");
    const result = await benchElector({ node, nodeVersion, main, short, say });
    const table = `Node ${result.node}, the image's bundle at default timing, three candidates a store; \`npm run bench -- elector\` wrote this.\n\n${electorTable(result)}`;
    keep("elector", "leader-elector", result, table);
    return electorFailures(result);
  } finally {
    rmSync(rootfs, { recursive: true, force: true });
  }
}

async function runQueue() {
  const { benchQueue } = await import(join(dist, "queue.js"));
  const { queueChart, queueFailures, queueTable } = await import(join(dist, "queue-result.js"));
  const result = await benchQueue({
    node,
    nodeVersion,
    bin: join(ROOT, "packages", "work-queue", "bin", "outrigger-work-queue.js"),
    minimal: join(ROOT, "packages", "work-queue", "dist", "testing", "minimal-queue.js"),
    driver: join(dist, "servers", "queue-driver.js"),
    rounds: option("rounds", short ? 1 : 5),
    jobs: option("jobs", short ? 3_000 : 10_000),
    seconds: option("seconds", short ? 2 : 10),
    say,
  });
  const table = `Node ${result.node}, concurrency ${result.concurrency}, ${result.rounds} rounds of ${result.jobs} jobs, medians; \`npm run bench -- queue\` wrote this.\n\n${queueTable(result)}\n\n![CPU per job](bench-queue.svg)`;
  keep("queue", "work-queue", result, table);
  if (isKept) writeFileSync(join(ROOT, "packages", "work-queue", "bench-queue.svg"), queueChart(result));
  return queueFailures(result);
}
