import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import {
  mkdtempSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { extname, join } from "node:path";
import { test, type TestContext } from "node:test";
import { silentLogger } from "../log/logger.ts";
import { VirtualClock } from "../testing/virtual-clock.ts";
import { isMountPoint, watchFile } from "./watch-file.ts";

const DEBOUNCE = 100;
const POLL = 10_000;

function setUp(
  context: TestContext,
  path: (folder: string) => string,
  prepare: (folder: string) => void,
  only: "events" | "poll" | "both",
) {
  const folder = mkdtempSync(join(tmpdir(), "outrigger-watch-"));
  prepare(folder);
  const clock = new VirtualClock();
  const seen: string[] = [];
  const file = path(folder);
  const text = readFileSync(file, "utf8");
  const watch = watchFile({
    path: file,
    text,
    clock,
    log: silentLogger,
    debounce: only === "poll" ? 1e9 : DEBOUNCE,
    pollEvery: only === "events" ? 1e9 : POLL,
    onChange: () => {
      let now = "(gone)";
      try {
        now = readFileSync(file, "utf8");
      } catch {
        // that is what (gone) says
      }
      seen.push(now);
    },
  });
  context.after(() => {
    watch.stop();
    rmSync(folder, { recursive: true });
  });
  /** Moves the clock by the debounce's span until the condition holds: the kernel tells of files when it likes. */
  const until = async (condition: () => boolean, span = DEBOUNCE): Promise<void> => {
    for (let turn = 0; turn < 2_000; turn++) {
      if (condition()) return;
      await clock.advanceAsync(span);
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
    assert.fail(`it never came to be; seen: ${JSON.stringify(seen)}`);
  };
  return { folder, file, clock, seen, watch, until };
}

const plain = (folder: string): string => join(folder, "c.yaml");
const writePlain = (folder: string): void => writeFileSync(plain(folder), "one");

/** As the kubelet lays a ConfigMap out: c.yaml -> ..data/c.yaml, ..data -> ..2026_1/ */
function layOut(folder: string): void {
  mkdirSync(join(folder, "..2026_1"));
  writeFileSync(join(folder, "..2026_1", "c.yaml"), "one");
  symlinkSync("..2026_1", join(folder, "..data"));
  symlinkSync("..data/c.yaml", join(folder, "c.yaml"));
}
function swapData(folder: string, text: string, version: string): void {
  mkdirSync(join(folder, version));
  writeFileSync(join(folder, version, "c.yaml"), text);
  symlinkSync(version, join(folder, "..data_tmp"));
  renameSync(join(folder, "..data_tmp"), join(folder, "..data"));
}

for (const only of ["events", "poll"] as const) {
  const span = only === "poll" ? POLL : DEBOUNCE;

  test(`an edit in place is told (by ${only})`, async (context) => {
    const { file, seen, until } = setUp(context, plain, writePlain, only);
    writeFileSync(file, "two");
    await until(() => seen.at(-1) === "two", span);
  });

  test(`a replacement by rename is told (by ${only})`, async (context) => {
    const { folder, file, seen, until } = setUp(context, plain, writePlain, only);
    writeFileSync(join(folder, "new"), "two");
    renameSync(join(folder, "new"), file);
    await until(() => seen.at(-1) === "two", span);
    writeFileSync(join(folder, "new"), "three");
    renameSync(join(folder, "new"), file);
    await until(() => seen.at(-1) === "three", span);
  });

  test(`a change back to what it was is told, too (by ${only})`, async (context) => {
    const { folder, file, seen, until } = setUp(context, plain, writePlain, only);
    for (const text of ["two", "one", "two"]) {
      writeFileSync(join(folder, "new"), text);
      renameSync(join(folder, "new"), file);
      await until(() => seen.at(-1) === text, span);
    }
    assert.deepEqual(seen, ["two", "one", "two"]);
  });

  test(`the swap of a ConfigMap's ..data is told, each time (by ${only})`, async (context) => {
    const { folder, seen, until } = setUp(context, plain, layOut, only);
    swapData(folder, "two", "..2026_2");
    await until(() => seen.at(-1) === "two", span);
    swapData(folder, "three", "..2026_3");
    await until(() => seen.at(-1) === "three", span);
    assert.deepEqual(seen, ["two", "three"]);
  });
}

test("a file that goes and comes back is told both times", async (context) => {
  const { file, seen, until } = setUp(context, plain, writePlain, "both");
  rmSync(file);
  await until(() => seen.at(-1) === "(gone)");
  writeFileSync(file, "two");
  await until(() => seen.at(-1) === "two");
});

test("a pipe in the file's place is told, and the file that replaces it, too", async (context) => {
  const { folder, file, clock, watch } = setUp(context, plain, writePlain, "both");
  watch.stop();
  let told = 0;
  const other = watchFile({ path: file, text: "one", clock, log: silentLogger, onChange: () => told++ });
  context.after(() => other.stop());
  const untilTold = async (times: number): Promise<void> => {
    for (let turn = 0; told < times; turn++) {
      assert.ok(turn < 2_000, `told only ${told} times`);
      await clock.advanceAsync(DEBOUNCE);
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
  };
  assert.equal(spawnSync("mkfifo", [join(folder, "pipe")]).status, 0);
  renameSync(join(folder, "pipe"), file);
  await untilTold(1);
  writeFileSync(join(folder, "new"), "two");
  renameSync(join(folder, "new"), file);
  await untilTold(2);
});

test("a swap that leaves this file's content as it was, and changes of its neighbours, are not told", async (context) => {
  const { folder, clock, seen, until } = setUp(context, plain, layOut, "poll");
  swapData(folder, "one", "..2026_2");
  writeFileSync(join(folder, "neighbour"), "x");
  for (let polls = 0; polls < 5; polls++) {
    await clock.advanceAsync(POLL);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  swapData(folder, "two", "..2026_3");
  await until(() => seen.length > 0, POLL);
  assert.deepEqual(seen, ["two"]);
});

test("a change between the first reading and the start of the watch is told", async (context) => {
  const { file, clock, until } = setUp(context, plain, writePlain, "events");
  const told: string[] = [];
  const options = { path: file, clock, log: silentLogger, pollEvery: 1e9, onChange: () => told.push("told") };
  const watch = watchFile({ ...options, text: "what it was before" });
  await until(() => told.length === 1);
  watch.stop();
});

test("a change that cannot be read for want of file descriptors is told, and once more when it can", (context) => {
  const folder = mkdtempSync(join(tmpdir(), "outrigger-watch-"));
  context.after(() => rmSync(folder, { recursive: true }));
  const beside = (name: string): string =>
    JSON.stringify(new URL(name + extname(import.meta.url), import.meta.url));
  const script = `
    import { closeSync, openSync, renameSync, writeFileSync } from "node:fs";
    import { watchFile } from ${beside("watch-file")};
    import { VirtualClock } from ${beside("../testing/virtual-clock")};
    const [path, next] = ["config", "next"];
    writeFileSync(path, "a");
    writeFileSync(next, "b");
    const clock = new VirtualClock();
    let told = 0;
    const log = { warn() {}, error() {} };
    watchFile({ path, text: "a", clock, log, debounce: 1e9, pollEvery: 10_000, onChange: () => told++ });
    // What the threads do is not the clock's: each look has many turns to end.
    const poll = async () => {
      await clock.advanceAsync(10_000);
      for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setTimeout(resolve, 1));
    };
    const polls = async (holds) => { for (let n = 0; n < 500 && !holds(); n++) await poll(); };
    await poll();
    const open = [];
    try { for (;;) open.push(openSync("/dev/null", "r")); } catch {}
    renameSync(next, path);
    await polls(() => told === 1);
    for (let n = 0; n < 5; n++) await poll();
    const whileShort = told;
    for (const descriptor of open) closeSync(descriptor);
    await polls(() => told === 2);
    for (let n = 0; n < 5; n++) await poll();
    console.log(whileShort, told);
    process.exit();
  `;
  const node = [process.execPath, "--input-type=module", "--eval", script];
  const { stdout, stderr } = spawnSync("sh", ["-c", 'ulimit -n 64 && exec "$@"', "sh", ...node], {
    cwd: folder,
    encoding: "utf8",
    timeout: 60_000,
  });
  assert.equal(stdout, "1 2\n", stderr);
});

test("stop leaves no timer and tells nothing more", async (context) => {
  const { file, clock, seen, watch } = setUp(context, plain, writePlain, "both");
  writeFileSync(file, "two");
  watch.stop();
  await clock.advanceAsync(60_000);
  assert.equal(clock.pendingTimers, 0);
  assert.deepEqual(seen, []);
});

test("a file that is a mount point is found in mountinfo, also with blanks in its path", () => {
  const mountinfo = [
    "22 1 8:1 / / rw,relatime - ext4 /dev/sda1 rw",
    "36 22 8:1 /var/lib/kubelet/pods/x/volume-subpaths/cfg/c/0 /etc/app/c.yaml ro,relatime - ext4 /dev/sda1 rw",
    "37 22 8:1 /x /etc/my\\040app ro - tmpfs tmpfs rw",
    "",
  ].join("\n");
  assert.equal(isMountPoint("/etc/app/c.yaml", mountinfo), true);
  assert.equal(isMountPoint("/etc/my app", mountinfo), true);
  assert.equal(isMountPoint("/etc/app", mountinfo), false);
  assert.equal(isMountPoint("/etc/app/c.yaml", ""), false);
});
