/**
 * What an image costs: compressed size, its own layers, idle memory and time to ready, each in a container as a pod would
 * run it (read-only, no capability, 128 MiB), but in the machine's network, where a Redis is. Writes
 * test/bench/results/images.json and the table of the pattern's README.
 */
import { spawnSync } from "node:child_process";
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { IMAGE_NODE } from "../node-binary.mjs";
import { ROOT } from "../setup.mjs";
import { NODE } from "./containerfile.mjs";

const RUNS = 7;
/** How long a started image is left alone before its memory is read: what start-up needed is freed by then (core, 3 s). */
const IDLE_MS = 4_000;
const PATIENCE_MS = 30_000;

const QUEUE = ["--listen", "127.0.0.1:0"];
/**
 * What each image is started with: its smallest real configuration. A folder is there from start to start, and what the first
 * one did in it the others find.
 */
const STARTS = {
  ambassador: { memory: "128m", words: () => ["--route", "8001=http://127.0.0.1:9"] },
  "leader-elector": { memory: "128m", words: () => ["--election", "ticker", "--store", "memory"] },
  "work-queue": { memory: "128m", words: ({ redis }) => ["--backend", redis, ...QUEUE] },
  "work-queue-embedded": {
    memory: "1g",
    folder: "/queue",
    words: () => ["--backend", "embedded:/queue", ...QUEUE],
  },
};

/** From shared figures: what an image must not exceed, and what it aims at. A database in the process is beyond all of them. */
const LIMITS = [
  { key: "compressedMB", title: "compressed, MB", must: 60, aim: 50, digits: 1 },
  { key: "ownMB", title: "of which its own layers, MB", must: 2, aim: 1, digits: 2 },
  { key: "idleMB", title: "idle memory (RSS), MB", must: 75, aim: 55, digits: 1 },
  { key: "ownMemoryMB", title: "of which not of files, MB", digits: 1 },
  { key: "readyMs", title: "ready after exec, ms", must: 300, aim: 120, digits: 0 },
];

/** Of an image with a folder besides. */
const FIRST_START = [
  { key: "firstReadyMs", title: "the same, of the first start in a folder, ms", digits: 0 },
  { key: "firstPeakMB", title: "most memory of the first start (cgroup), MB", digits: 0 },
];

/**
 * @param built images of images.mjs, with their tags
 * @throws Error when a figure is not what it must be, after everything is written
 */
export async function writeReport(engine, built, base) {
  if (engine.name === "buildah")
    throw new Error("--report runs the images, which buildah cannot: use --engine podman");
  const baseLayers = base === undefined ? undefined : engine.inspect(base).layers.length;
  const file = join(ROOT, "test", "bench", "results", "images.json");
  const measured = [];
  for (const { image, tag } of built) {
    process.stdout.write(`${tag}: measuring, ${RUNS} starts ...`);
    const { digest, layers } = engine.inspect(tag);
    const own = layers.slice(baseLayers ?? -1);
    measured.push({
      name: image.name,
      digest,
      base: base ?? "the Containerfile's",
      runs: RUNS,
      compressedMB: sum(layers) / 1e6,
      ownMB: sum(own) / 1e6,
      ...(await measure(engine, image, tag)),
    });
    process.stdout.write(" done\n");
  }
  const names = new Set(measured.map(({ name }) => name));
  const others = JSON.parse(readFileSync(file, "utf8")).images.filter(({ name }) => !names.has(name));
  const images = [...others, ...measured].sort((a, b) => (a.name < b.name ? -1 : 1));
  writeFileSync(file, `${JSON.stringify({ node: String(IMAGE_NODE), images }, null, 2)}\n`);
  const missed = [];
  for (const [index, figures] of measured.entries()) {
    const { image } = built[index];
    const limits = STARTS[image.name].folder === undefined;
    const table = tableOf(figures, limits);
    process.stdout.write(`\n${image.name}\n${table}\n`);
    writeTable(image, figures, table);
    for (const { key, title, must } of limits ? LIMITS : [])
      if (figures[key] > must)
        missed.push(`${image.name}: ${title}: ${figures[key].toFixed(2)}, must be ${must} or less`);
  }
  if (missed.length > 0) throw new Error(`MISSED: ${missed.join("\nMISSED: ")}`);
}

async function measure(engine, image, tag) {
  const { memory, folder, words } = STARTS[image.name];
  const { RedisServer } = await import(join(ROOT, "packages", "core", "dist", "testing", "index.js"));
  const redis = image.pattern.name === "work-queue" ? await RedisServer.start(["--appendonly", "yes"]) : null;
  const scratch = mkdtempSync(join(tmpdir(), "outrigger-report-"));
  chmodSync(scratch, 0o777);
  try {
    const flags = ["--memory", memory, ...(folder === undefined ? [] : ["--volume", `${scratch}:${folder}`])];
    const once = () => start(engine, tag, flags, words({ redis: redis?.url }));
    readFromDisk(engine, tag);
    const first = folder === undefined ? null : await once();
    const starts = [];
    for (let n = 0; n < RUNS; n++) starts.push(await once());
    return {
      idleMB: median(starts.map(({ rss }) => rss / 1e6)),
      ownMemoryMB: median(starts.map(({ anonymous }) => anonymous / 1e6)),
      readyMs: median(starts.map(({ ready }) => ready)),
      ...(first && { firstReadyMs: first.ready, firstPeakMB: first.peak / 1e6 }),
    };
  } finally {
    await redis?.end();
    rmSync(scratch, { recursive: true, force: true });
  }
}

/**
 * Has the first start read Node's file from the disk. What has just written it, as a build or a pull does, leaves it in memory in
 * large pages, of which Linux counts the whole where a process touched a part: up to 20 MB, on one machine and not on another.
 */
function readFromDisk(engine, tag) {
  // Docker shows nobody where its files are.
  if (engine.name !== "podman") return;
  const node = join(engine.run(["image", "mount", tag]), NODE);
  try {
    for (const words of [
      ["sync", node],
      ["dd", `if=${node}`, "iflag=nocache", "count=0", "status=none"],
    ]) {
      const { status, stderr, error } = spawnSync(words[0], words.slice(1), { encoding: "utf8" });
      if (status !== 0) throw new Error(`${words.join(" ")} failed: ${error?.message ?? stderr.trim()}`);
    }
  } finally {
    engine.run(["image", "unmount", tag]);
  }
}

function tableOf(figures, limits) {
  const value = ({ key, digits }) => figures[key].toFixed(digits);
  if (!limits)
    return [
      "| | measured |",
      "|---|---|",
      ...[...LIMITS, ...FIRST_START].map((row) => `| ${row.title} | ${value(row)} |`),
    ].join("\n");
  const rows = LIMITS.map((row) => {
    const note = figures[row.key] > row.must ? ", missed" : "";
    return `| ${row.title} | ${value(row)}${note} | ${row.must ?? ""} | ${row.aim ?? ""} |`;
  });
  return ["| | measured | must | aim |", "|---|---|---|---|", ...rows].join("\n");
}

/** Between the marks of its image: `image`, of a variant `image-NAME`. */
function writeTable({ name, pattern }, { runs }, table) {
  const mark = name === pattern.name ? "image" : `image-${name}`;
  const readme = join(pattern.folder, "README.md");
  const text = readFileSync(readme, "utf8");
  const marks = new RegExp(`(<!-- ${mark}:begin -->\\n)[^]*?(<!-- ${mark}:end -->)`);
  if (!marks.test(text)) throw new Error(`${readme} has no <!-- ${mark}:begin --> and <!-- ${mark}:end -->`);
  const note = `Median of ${runs} starts with a limit of ${STARTS[name].memory}; \`npm run images -- --report\` wrote this.`;
  writeFileSync(
    readme,
    text.replace(marks, (_all, begin, end) => `${begin}${note}\n\n${table}\n${end}`),
  );
}

/** @returns {Promise<{ ready: number, rss: number, anonymous: number, peak: number }>} milliseconds from exec to the ready line; bytes when idle, and those of no file; the most */
async function start(engine, tag, limits, words) {
  const flags = ["--detach", "--read-only", "--cap-drop", "all", "--security-opt", "no-new-privileges"];
  const own = ["--probe", "127.0.0.1:0", "--control", "off", "--allow-host-network"];
  const id = engine.run(["run", ...flags, "--network", "host", ...limits, tag, ...own, ...words]);
  try {
    const line = await until(`${tag} to be ready`, () =>
      engine
        .run(["logs", id])
        .split("\n")
        .find((text) => text.includes('"msg":"ready"')),
    );
    const { time, probe } = JSON.parse(line);
    const metrics = await (await fetch(`http://${probe[0]}/metrics`)).text();
    const began = Number(/^process_start_time_seconds (\S+)/m.exec(metrics)[1]) * 1000;
    const ready = Date.parse(time) - began;
    await sleep(IDLE_MS);
    const pid = engine.run(["inspect", "--format", "{{.State.Pid}}", id]);
    const status = readFileSync(`/proc/${pid}/status`, "utf8");
    const bytes = (name) => Number(new RegExp(`^${name}:\\s+(\\d+) kB`, "m").exec(status)[1]) * 1024;
    return { ready, rss: bytes("VmRSS"), anonymous: bytes("RssAnon"), peak: peakOf(pid) };
  } finally {
    engine.run(["rm", "--force", id]);
  }
}

/** Of all of its container's processes, and of what they read from files. */
function peakOf(pid) {
  const cgroup = readFileSync(`/proc/${pid}/cgroup`, "utf8");
  const [, unified] = /^0::(.*)$/m.exec(cgroup) ?? [];
  const [, memory] = /^\d+:memory:(.*)$/m.exec(cgroup) ?? [];
  const file =
    memory === undefined
      ? join("/sys/fs/cgroup", unified, "memory.peak")
      : join("/sys/fs/cgroup/memory", memory, "memory.max_usage_in_bytes");
  return Number(readFileSync(file, "utf8"));
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
