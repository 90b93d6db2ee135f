/** Folders in which a program has put what it likes, in our places too; the test is the program. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import {
  chmodSync,
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { open as openFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { OutriggerError } from "@outrigger/core";
import { eventually } from "@outrigger/core/testing";
import {
  does,
  ID,
  INPUT,
  isGiven,
  opened,
  OTHER,
  PART,
  refusal,
  scratch,
} from "../testing/opened-contract.ts";
import { JobFiles } from "./job-files.ts";

let outsiders = 0;
const outside = (text: string): string => {
  const path = join(scratch, `outside-${outsiders++}`);
  writeFileSync(path, text);
  return path;
};

for (const [what, put] of [
  ["a pipe", (path: string) => execFileSync("mkfifo", [path])],
  ["a folder", (path: string) => (mkdirSync(path), writeFileSync(join(path, "x"), ""))],
  ["a link", (path: string) => symlinkSync(outside("another's"), path)],
  ["a link to nothing", (path: string) => symlinkSync("/nowhere/at/all", path)],
  ["another name of a file", (path: string) => linkSync(outside("another's"), path)],
] as const)
  test(`what stands where we write is not written into: ${what}`, async () => {
    const open = await opened();
    const before = outsiders;
    put(open.path(PART));
    open.put(`out/${ID}`, "ha");
    const answer = open.attempt();
    await does(open);
    assert.equal((await answer).text, "done");
    assert.deepEqual(open.all(), [`out/${ID}`]);
    // And where one is taken away.
    rmSync(open.path(`out/${ID}`));
    const limit = new AbortController();
    const late = open.attempt({}, limit.signal);
    await isGiven(open);
    put(open.path(PART));
    limit.abort(new OutriggerError("timeout", "enough"));
    await assert.rejects(late, { code: "timeout" });
    assert.deepEqual(open.all(), [PART]);
    assert.equal(lstatSync(open.path(PART)).size, 0);
    for (let at = before; at < outsiders; at++)
      assert.equal(readFileSync(join(scratch, `outside-${at}`), "utf8"), "another's");
  });

test("what a worker that ended was writing goes when the job is given anew", async () => {
  const open = await opened();
  open.put(`in/.${ID}.txt.0123456789abcdef.new`, "half");
  open.put(`in/.${OTHER}.0123456789abcdef.new`, "another's");
  const answer = open.attempt();
  await isGiven(open);
  assert.deepEqual(open.all(), [`in/.${OTHER}.0123456789abcdef.new`, INPUT]);
  await does(open);
  await answer;
});

test("an input is on the disk before the program sees it", async (t) => {
  const open = await opened();
  const handle = await openFile(scratch);
  const synced: boolean[] = [];
  t.mock.method(Object.getPrototypeOf(handle) as typeof handle, "sync", async () => {
    synced.push(existsSync(open.path(INPUT)));
  });
  await handle.close();
  const answer = open.attempt();
  await does(open);
  await answer;
  assert.deepEqual(synced, [false]);
});

test("a name that is not UTF-8 is read, and removed", async () => {
  const open = await opened();
  const name = Buffer.concat([
    Buffer.from(open.path(`out/${ID}-r`)),
    Buffer.from([0xe9]),
    Buffer.from(".pdf"),
  ]);
  writeFileSync(name, "done");
  assert.deepEqual(await open.attempt(), { status: 200, type: "application/pdf", text: "done" });
  open.contract.ended(ID);
  await open.contract.end();
  assert.deepEqual(open.all(), []);
});

test("a folder that all may write to, and each remove his own alone, has folders from which all may remove", async () => {
  const folder = join(scratch, "sticky");
  mkdirSync(folder);
  chmodSync(folder, 0o1777);
  await JobFiles.open(folder);
  for (const name of ["in", "out", "failed"])
    assert.equal(statSync(join(folder, name)).mode & 0o7777, 0o777, name);
});

test("a link in a folder's place is refused at the start, and nothing is made where it leads", async () => {
  for (const name of ["in", "out", "failed"])
    for (const target of [scratch, join(scratch, "not-there")]) {
      const folder = join(scratch, `linked-${name}-${outsiders++}`);
      mkdirSync(folder);
      symlinkSync(target, join(folder, name));
      await assert.rejects(
        JobFiles.open(folder),
        refusal("folder-unusable", new RegExp(`${folder}/${name} is a link, and has to be a folder itself`)),
      );
    }
  assert.ok(!existsSync(join(scratch, "not-there")));
});

test("a link that comes later is not followed: nothing is read there, given, or removed", async () => {
  for (const name of ["in", "out", "failed"]) {
    const open = await opened(undefined, async () => false);
    const elsewhere = join(scratch, `elsewhere-${name}`);
    mkdirSync(elsewhere);
    const kept = [ID, `${ID}-2`, `${ID}.txt`, OTHER];
    for (const file of kept) writeFileSync(join(elsewhere, file), "kept");
    const limit = new AbortController();
    const begun = open.attempt({}, limit.signal);
    await isGiven(open);
    renameSync(open.path(name), open.path("gone"));
    symlinkSync(elsewhere, open.path(name));
    const isLink = new RegExp(`/${name} is a link`);
    assert.match((await open.contract.look()) ?? "", isLink);
    limit.abort(new OutriggerError("timeout", "enough"));
    await assert.rejects(begun, { code: "timeout" });
    open.contract.ended(ID);
    await assert.rejects(open.attempt({ id: OTHER }), refusal("workload-away", isLink));
    await eventually("a sweep gives up", () => {
      open.clock.advance(60_000);
      return open.warned.includes("files of ended jobs could not be swept; later again");
    });
    await open.contract.end();
    for (const file of kept) assert.equal(readFileSync(join(elsewhere, file), "utf8"), "kept", file);
  }
});
