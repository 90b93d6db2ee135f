/** Programs of another user, whose files a worker that is not root can neither read nor remove. */
import assert from "node:assert/strict";
import { chmodSync, mkdirSync, readdirSync, readlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeEach, test } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import { eventually } from "@outrigger/core/testing";
import { ID, opened, OTHER, PART, refusal, scratch } from "../testing/opened-contract.ts";

/** The image's. */
const WORKER = 65_532;
const options = { skip: process.getuid?.() !== 0 && "this user can be no other" };

/** What has this file's results is opened by the runner while tests already begin; another user could not. */
async function reportIsOpen(): Promise<void> {
  const option = "--test-reporter-destination=";
  const files = process.execArgv
    .filter((arg) => arg.startsWith(option))
    .map((arg) => arg.slice(option.length));
  const isOpen = (file: string): boolean =>
    readdirSync("/proc/self/fd").some((fd) => linkOf(`/proc/self/fd/${fd}`) === file);
  while (!files.every((file) => !file.startsWith("/") || isOpen(file))) await turn();
}

function linkOf(path: string): string | null {
  try {
    return readlinkSync(path);
  } catch {
    // Closed meanwhile.
    return null;
  }
}

const unread = { mode: 0o600 };
let folder = "";
beforeEach(async (t) => {
  if (options.skip !== false) return;
  await reportIsOpen();
  folder = join(scratch, t.name.replace(/\W/g, "-"));
  chmodSync(scratch, 0o755);
  for (const name of ["", "in", "out", "failed"]) {
    mkdirSync(join(folder, name));
    chmodSync(join(folder, name), 0o777);
  }
});
const put = (name: string, text = ""): void => writeFileSync(join(folder, name), text, unread);
/** Nobody but its owner can empty it. */
function putFolder(name: string): void {
  mkdirSync(join(folder, name), { mode: 0o755 });
  put(`${name}/x`);
}

/** Whatever the worker does in the meantime it does as its own user. */
async function asWorker(work: () => Promise<void>): Promise<void> {
  process.setegid?.(WORKER);
  process.seteuid?.(WORKER);
  try {
    await work();
  } finally {
    process.seteuid?.(0);
    process.setegid?.(0);
  }
}

test("a failure that cannot be read is a failure", options, async () => {
  put(`failed/${ID}`, "why");
  await asWorker(async () => {
    const open = await opened(folder);
    const answer = await open.attempt({ isLast: false });
    assert.deepEqual(answer, { status: 500, type: "application/octet-stream", text: "" });
    assert.deepEqual(open.all(), []);
  });
});

test("an answer that cannot be read fails its job", options, async () => {
  put(`out/${ID}`, "done");
  await asWorker(async () => {
    const open = await opened(folder);
    await assert.rejects(open.attempt(), refusal("bad-output", /is not for this user to read/));
  });
});

for (const [what, make] of [
  ["a failure that is a folder", () => putFolder(`failed/${ID}`)],
  ["a result of a job that was taken away", () => (put(PART), putFolder(`out/${ID}`))],
  ["a folder in its input's place", () => putFolder(PART)],
] as const)
  test(`what cannot be removed is a failed attempt of that job: ${what}`, options, async () => {
    make();
    await asWorker(async () => {
      const open = await opened(folder);
      await assert.rejects(open.attempt({ isLast: false }), refusal("file-unusable", /EACCES/));
      assert.equal(await open.contract.look(), null);
    });
  });

test("one that cannot be removed keeps no other from being swept", options, async () => {
  // in/ is looked at first.
  putFolder(`in/${OTHER}`);
  put(`out/${ID}`);
  await asWorker(async () => {
    const open = await opened(folder, async () => false);
    await eventually(
      "the other goes, and it is said",
      () => open.all().length === 1 && open.warned.length > 0,
    );
    assert.deepEqual(open.all(), [`in/${OTHER}`]);
    assert.deepEqual(open.warned, ["files of ended jobs cannot be removed; later again"]);
    await open.contract.end();
  });
});
