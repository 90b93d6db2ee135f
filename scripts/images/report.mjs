/**
 * What an image costs: compressed size, its own layers, idle memory and time to ready, each in a container as a pod would
 * run it (read-only, no capability, 128 MiB). Writes test/bench/results/images.json and the table of the pattern's README.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { IMAGE_NODE } from "../node-binary.mjs";
import { ROOT } from "../setup.mjs";

const RUNS = 7;
const MEMORY_LIMIT = "128m";
/** How long a started image is left alone before its memory is read: what start-up needed is freed by then or stays. */
const IDLE_MS = 3_000;
const PATIENCE_MS = 30_000;

/** What each pattern is started with: its smallest real configuration. */
const ARGUMENTS = {
  ambassador: ["--route", "8001=http://127.0.0.1:9"],
  "leader-elector": ["--election", "ticker", "--store", "memory"],
};

/** From shared figures: what an image must not exceed, and what it aims at. */
const LIMITS = [
  { key: "compressedMB", title: "compressed, MB", must: 60, aim: 50, digits: 1 },
  { key: "ownMB", title: "of which its own layers, MB", must: 2, aim: 1, digits: 2 },
  { key: "idleMB", title: "idle memory (RSS), MB", must: 75, aim: 55, digits: 1 },
  { key: "readyMs", title: "ready after exec, ms", must: 300, aim: 120, digits: 0 },
];

/**
 * @param built the images, with their patterns
 * @throws Error when a figure is not what it must be, after everything is written
 */
export async function writeReport(engine, built, base) {
  if (engine.name === "buildah")
    throw new Error("--report runs the images, which buildah cannot: use --engine podman");
  const baseLayers = base === undefined ? undefined : engine.inspect(base).layers.length;
  const images = [];
  for (const { pattern, tag } of built) {
    process.stdout.write(`${tag}: measuring, ${RUNS} starts ...`);
    const { digest, layers } = engine.inspect(tag);
    const starts = [];
    for (let n = 0; n < RUNS; n++) starts.push(await start(engine, tag, ARGUMENTS[pattern.name]));
    const own = layers.slice(baseLayers ?? -1);
    images.push({
      name: pattern.name,
      digest,
      base: base ?? "the Containerfile's",
      runs: RUNS,
      compressedMB: sum(layers) / 1e6,
      ownMB: sum(own) / 1e6,
      idleMB: median(starts.map(({ rss }) => rss / 1e6)),
      readyMs: median(starts.map(({ ready }) => ready)),
    });
    process.stdout.write(" done\n");
  }
  writeFileSync(
    join(ROOT, "test", "bench", "results", "images.json"),
    `${JSON.stringify({ node: String(IMAGE_NODE), images }, null, 2)}\n`,
  );
  const missed = [];
  for (const image of images) {
    const table = [
      "| | measured | must | aim |",
      "|---|---|---|---|",
      ...LIMITS.map(
        ({ key, title, must, aim, digits }) =>
          `| ${title} | ${image[key].toFixed(digits)} | ${must} | ${aim} |`,
      ),
    ].join("\n");
    process.stdout.write(`\n${image.name}\n${table}\n`);
    const readme = join(ROOT, "packages", image.name, "README.md");
    const text = readFileSync(readme, "utf8");
    const marks = /(<!-- image:begin -->\n)[^]*?(<!-- image:end -->)/;
    if (!marks.test(text)) throw new Error(`${readme} has no <!-- image:begin --> and <!-- image:end -->`);
    const note = `Median of ${image.runs} starts with a limit of ${MEMORY_LIMIT}; \`npm run images -- --report\` wrote this.`;
    writeFileSync(
      readme,
      text.replace(marks, (_all, begin, end) => `${begin}${note}\n\n${table}\n${end}`),
    );
    for (const { key, title, must } of LIMITS)
      if (image[key] > must)
        missed.push(`${image.name}: ${title}: ${image[key].toFixed(2)}, must be ${must} or less`);
  }
  if (missed.length > 0) throw new Error(`MISSED: ${missed.join("\nMISSED: ")}`);
}

/** @returns {Promise<{ ready: number, rss: number }>} milliseconds from exec to the ready line; bytes when idle */
async function start(engine, tag, words) {
  const flags = ["--detach", "--read-only", "--cap-drop", "all", "--security-opt", "no-new-privileges"];
  const limits = ["--memory", MEMORY_LIMIT, "--publish", "127.0.0.1::14099"];
  const own = ["--probe", "14099", "--control", "off"];
  const id = engine.run(["run", ...flags, ...limits, tag, ...own, ...words]);
  try {
    const address = engine.run(["port", id, "14099/tcp"]).split("\n")[0];
    const metrics = await until(`${tag} to be ready`, async () => {
      const ready = await fetch(`http://${address}/readyz`);
      return ready.ok ? (await fetch(`http://${address}/metrics`)).text() : undefined;
    });
    const began = Number(/^process_start_time_seconds (\S+)/m.exec(metrics)[1]) * 1000;
    const line = await until("the ready line", () =>
      engine
        .run(["logs", id])
        .split("\n")
        .find((text) => text.includes('"msg":"ready"')),
    );
    const ready = Date.parse(JSON.parse(line).time) - began;
    await sleep(IDLE_MS);
    const pid = engine.run(["inspect", "--format", "{{.State.Pid}}", id]);
    const rss = Number(/^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))[1]) * 1024;
    return { ready, rss };
  } finally {
    engine.run(["rm", "--force", id]);
  }
}

/** Polls until there is a value. */
async function until(what, look) {
  const deadline = Date.now() + PATIENCE_MS;
  for (;;) {
    const found = await Promise.resolve()
      .then(look)
      .catch((error) => (Date.now() > deadline ? Promise.reject(error) : undefined));
    if (found !== undefined) return found;
    if (Date.now() > deadline) throw new Error(`waited ${PATIENCE_MS / 1000} s for ${what}`);
    await sleep(20);
  }
}

const sum = (numbers) => numbers.reduce((total, each) => total + each, 0);
const median = (numbers) => numbers.toSorted((a, b) => a - b)[numbers.length >> 1];
