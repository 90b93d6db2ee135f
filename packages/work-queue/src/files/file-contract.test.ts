/** Attempts on folders in every state in which a worker may find them; the test is the program. */
import assert from "node:assert/strict";
import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { OutriggerError } from "@outrigger/core";
import { eventually } from "@outrigger/core/testing";
import { onSmallDisk } from "../testing/full-disk.ts";
import {
  blobs,
  does,
  type Opened,
  ID,
  INPUT,
  isGiven,
  opened,
  OTHER,
  PART,
  refusal,
  scratch,
  type Told,
} from "../testing/opened-contract.ts";
import { JobFiles } from "./job-files.ts";

test("the program sees an input that is whole, as open as the folder is, and nothing before", async () => {
  const open = await opened();
  const answer = open.attempt({ body: { blob: "x", bytes: 600_000 } });
  await isGiven(open);
  assert.equal(statSync(open.path(INPUT)).size, 600_000);
  assert.equal(statSync(open.path(INPUT)).mode & 0o777, statSync(open.folder).mode & 0o666);
  assert.equal(statSync(open.path("in")).mode & 0o777, statSync(open.folder).mode & 0o777);
  assert.deepEqual(open.all(), [INPUT]);
  open.put(`out/${ID}.json`, "{}");
  rmSync(open.path(INPUT));
  assert.deepEqual(await answer, { status: 200, type: "application/json", text: "{}" });
  // Its end is not noted yet.
  assert.deepEqual(open.all(), [`out/${ID}.json`]);
  open.contract.ended(ID);
  await open.contract.end();
  assert.deepEqual(open.all(), []);
});

test("an input that was given is not given again, and what was done is not asked for again", async () => {
  const open = await opened();
  open.put(INPUT, "of a worker that ended");
  const answer = open.attempt();
  open.put(`out/${ID}`, "done");
  assert.equal(readFileSync(open.path(INPUT), "utf8"), "of a worker that ended");
  rmSync(open.path(INPUT));
  assert.equal((await answer).text, "done");
  assert.equal((await open.attempt()).text, "done");
});

test("what the program was writing when its job was taken away is never an answer", async () => {
  const open = await opened();
  open.put(PART);
  open.put(`out/${ID}.txt`, "ha");
  open.put(`failed/${ID}`, "wh");
  const answer = open.attempt();
  await isGiven(open);
  assert.deepEqual(open.all(), [INPUT]);
  open.put(`out/${ID}.txt`, "half, and whole");
  rmSync(open.path(INPUT));
  assert.equal((await answer).text, "half, and whole");
});

test("an attempt that is ended takes its input away, and leaves a mark that it did", async () => {
  const open = await opened();
  for (const code of ["timeout", "deadline", "cancelled"]) {
    const limit = new AbortController();
    const attempt = open.attempt({ body: "a long one" }, limit.signal);
    await isGiven(open);
    const begun = openSync(open.path(INPUT), "r");
    limit.abort(new OutriggerError(code, "enough"));
    await assert.rejects(attempt, { code });
    // What the program has open it goes on with.
    assert.equal(readFileSync(begun, "utf8"), "a long one");
    closeSync(begun);
    assert.deepEqual(open.all(), [PART]);
    assert.equal(statSync(open.path(PART)).size, 0);
  }
  // It is the next attempt's to give it anew.
  const attempt = open.attempt();
  await isGiven(open);
  assert.deepEqual(open.all(), [INPUT]);
  open.put(`out/${ID}`, "done");
  rmSync(open.path(INPUT));
  await attempt;
});

test("a worker that ends leaves its input to the next, and where two have a job neither takes it from the other", async () => {
  const open = await opened();
  const limit = new AbortController();
  const attempt = open.attempt({}, limit.signal);
  await isGiven(open);
  limit.abort(new OutriggerError("worker-ends", "it ends"));
  await assert.rejects(attempt, { code: "worker-ends" });
  assert.deepEqual(open.all(), [INPUT]);
  const [first, second] = [new AbortController(), new AbortController()];
  const attempts = [open.attempt({}, first.signal), open.attempt({}, second.signal)];
  first.abort(new OutriggerError("timeout", "enough"));
  await assert.rejects(attempts[0] as Promise<Told>, { code: "timeout" });
  assert.deepEqual(open.all(), [INPUT]);
  open.put(`out/${ID}`, "done");
  rmSync(open.path(INPUT));
  assert.equal((await attempts[1])?.text, "done");
});

test("what the program says of a failure is an answer of at most 64 KiB, and goes before another attempt", async () => {
  const open = await opened();
  open.put(`failed/${ID}-log.txt`, "x".repeat(100_000));
  open.put(`out/${ID}`, "half");
  const { status, type, text } = await open.attempt({ isLast: false });
  assert.deepEqual([status, type, text.length], [500, "text/plain", 65_536]);
  assert.deepEqual(open.all(), []);
  open.put(`failed/${ID}`, "why");
  assert.deepEqual((await open.attempt()).text, "why");
  assert.deepEqual(open.all(), [`failed/${ID}`]);
  // Whatever it leads to is not read.
  rmSync(open.path(`failed/${ID}`));
  symlinkSync("/etc/passwd", open.path(`failed/${ID}`));
  assert.deepEqual(await open.attempt(), { status: 500, type: "application/octet-stream", text: "" });
});

test("an input that goes and leaves nothing is a failed attempt", async () => {
  const open = await opened();
  const attempt = open.attempt();
  await isGiven(open);
  open.put(`out/.${ID}`, "hidden");
  open.put(`out/${OTHER}`, "another's");
  open.put(`out/${ID}0`, "nobody's");
  rmSync(open.path(INPUT));
  await assert.rejects(attempt, refusal("no-output", /the input is gone, and out\/ has nothing of it/));
});

test("what is no answer says what it is: several files, a folder, a link", async () => {
  const open = await opened();
  for (const [make, message] of [
    [() => open.put(`out/${ID}-2`), new RegExp(`out/ has ${ID}-1, ${ID}-2: one file is an answer`)],
    [() => [2, 3, 4, 5, 6, 7].map((at) => open.put(`out/${ID}-${at}`)), /-5 and 2 more: one file/],
    [() => (rmSync(open.path(`out/${ID}-1`)), mkdirSync(open.path(`out/${ID}-1`))), /-1 is no regular file/],
    [
      () => (rmSync(open.path(`out/${ID}-1`)), symlinkSync("/etc/passwd", open.path(`out/${ID}-1`))),
      /-1 is no regular file/,
    ],
  ] as const) {
    open.put(`out/${ID}-1`);
    make();
    await assert.rejects(open.attempt(), refusal("bad-output", message));
    open.contract.ended(ID);
    await open.contract.end();
    assert.deepEqual(open.all(), []);
  }
  assert.ok(existsSync("/etc/passwd"));
});

test("a name that the program chose is a field of the answer, whatever it has", async () => {
  const open = await opened();
  open.put(`out/${ID}.a"\r\nx: é.PNG`, "p");
  const answer = await open.contract.attempt(
    {
      ...{ id: ID, number: 1, isLast: true, maxAnswer: 1_000, keepBody: async () => "" },
      request: { method: "GET", target: "/", fields: [], body: "" },
    },
    new AbortController().signal,
  );
  assert.deepEqual(answer.fields, [
    ["content-type", "image/png"],
    ["content-disposition", `attachment; filename="${ID}.a___x___.PNG"`],
  ]);
});

test("files of jobs that have ended are swept at the start and each minute, and nobody else's", async () => {
  const at = join(scratch, "swept");
  const files = [INPUT, PART, `out/${ID}-1`, `failed/${ID}`].map((name) => join(at, name));
  const kept = ["in/notes.txt", "out/.hidden", `out/x${ID}`, `failed/${ID}0`, `in/${OTHER}.txt`];
  for (const name of ["in", "out", "failed"]) mkdirSync(join(at, name), { recursive: true });
  for (const file of [...files, ...kept.map((name) => join(at, name))]) writeFileSync(file, "");
  mkdirSync(join(at, "out", ID));
  writeFileSync(join(at, "out", ID, "x"), "");
  const unfinished = new Set([OTHER]);
  let isAway = false;
  const open = await opened(at, async (id) => {
    if (isAway) throw new Error("away");
    return unfinished.has(id);
  });
  await eventually("they go", () => open.all().length === kept.length);
  assert.deepEqual(open.all(), [...kept].sort());
  const late = (): void => open.put(`out/${ID}`, "of a program that went on");
  const passes = (): Promise<void> =>
    eventually("a sweep passes", () => {
      open.clock.advance(60_000);
      return open.warned.length > 0 || open.all().length === kept.length;
    });
  late();
  isAway = true;
  await passes();
  assert.equal(open.all().length, kept.length + 1);
  isAway = false;
  open.warned.length = 0;
  await passes();
  // One that is being done is nobody's to sweep, whatever the backend says.
  const attempt = open.attempt();
  await isGiven(open);
  unfinished.delete(OTHER);
  await eventually("a sweep passes", () => {
    open.clock.advance(60_000);
    return !existsSync(open.path(`in/${OTHER}.txt`));
  });
  // One more, before which that one has ended.
  open.put(`out/${"e".repeat(32)}`);
  await eventually("another passes", () => {
    open.clock.advance(60_000);
    return !existsSync(open.path(`out/${"e".repeat(32)}`));
  });
  assert.ok(existsSync(open.path(INPUT)));
  open.put(`out/${ID}`, "done");
  rmSync(open.path(INPUT));
  await attempt;
  await open.contract.end();
});

test("a folder that goes away is no attempt, and is waited for", async () => {
  const open = await opened();
  assert.equal(await open.contract.look(), null);
  const attempt = open.attempt();
  await isGiven(open);
  renameSync(open.path("in"), open.path("gone"));
  open.clock.advance(1_000);
  await assert.rejects(attempt, { code: "workload-away" });
  assert.match((await open.contract.look()) ?? "", /ENOENT/);
  renameSync(open.path("gone"), open.path("in"));
  assert.equal(await open.contract.look(), null);
});

test("a folder that cannot be used is said so at the start", async () => {
  for (const folder of ["/dev/null/x", "/dev/null"])
    await assert.rejects(JobFiles.open(folder), {
      code: "folder-unusable",
      message: new RegExp(`^files:${folder} cannot be used: E.*; mount a volume there`),
    });
});

test("an input for which there is no room is no attempt, keeps none, and is given once there is some", async (t) => {
  const disk = join(scratch, "disk");
  mkdirSync(disk);
  const isDone = await onSmallDisk(disk, "256k", async () => {
    const open = await opened(disk);
    let ended = false;
    const attempt = open.attempt({ body: { blob: "x", bytes: 600_000 } }).finally(() => (ended = true));
    // It keeps its place for a while: the next would fare no better.
    attempt.catch(() => {});
    // The sweep's, and its own.
    await eventually("it waits", () => open.clock.pendingTimers === 2);
    await eventually("it is given up", () => {
      open.clock.advance(1_000);
      return ended;
    });
    await assert.rejects(attempt, refusal("input-not-written", /ENOSPC/));
    assert.deepEqual(open.all(), []);
    const small = open.attempt();
    await isGiven(open);
    open.put(`out/${ID}`, "done");
    rmSync(open.path(INPUT));
    assert.equal((await small).text, "done");
  });
  if (!isDone) t.skip("this user may not mount");
});

test("a body that is shorter than it says is given to nobody", async () => {
  const open = await opened();
  await assert.rejects(
    open.attempt({ body: { blob: "x", bytes: 600_001 } }),
    refusal("no-such-blob", /the body has 600000 bytes of 600001/),
  );
  assert.deepEqual(open.all(), []);
});

test("an input that is back when its result is looked for is a failed attempt", async () => {
  const open = await opened();
  const of = open.files.of.bind(open.files);
  open.files.of = async (folder, job) => {
    if (folder === "in") open.put(INPUT, "back");
    return of(folder, job);
  };
  const attempt = open.attempt();
  await does(open);
  await assert.rejects(attempt, refusal("no-output", /its input is back/));
});

test("what the system has no more of is no attempt", async () => {
  const open = await opened();
  open.put(`out/${ID}`, "done");
  open.files.of = async () => {
    throw Object.assign(new Error("EMFILE: too many open files"), { code: "EMFILE" });
  };
  await assert.rejects(open.attempt(), refusal("output-not-read", /EMFILE/));
});

test("an attempt ends in time, whatever hangs", async () => {
  const open = await opened();
  const [giving, keeping] = [new AbortController(), new AbortController()];
  const given = open.attempt({ body: { blob: "away", bytes: 1 } }, giving.signal);
  await eventually("its body is waited for", () => blobs.isAwaited);
  giving.abort(new OutriggerError("timeout", "enough"));
  await assert.rejects(given, { code: "timeout" });
  assert.deepEqual(open.all(), []);
  let isKept = false;
  const keepBody = (): Promise<never> => ((isKept = true), new Promise(() => {}));
  const kept = open.attempt({ keepBody }, keeping.signal);
  await does(open);
  await eventually("its answer is being kept", () => isKept);
  keeping.abort(new OutriggerError("timeout", "enough"));
  await assert.rejects(kept, { code: "timeout" });
});

/** Removals of `open` begin when the returned is called. */
function held({ files }: Opened): () => void {
  let go = (): void => {};
  const gate = new Promise<void>((resolve) => (go = resolve));
  const remove = files.remove.bind(files);
  files.remove = async (id) => {
    await gate;
    return remove(id);
  };
  return go;
}

test("a job that is begun anew loses nothing to the removal of what it left before: ended here, or swept", async () => {
  for (const isSwept of [false, true]) {
    const asked: string[] = [];
    const open = await opened(undefined, async (id) => {
      asked.push(id);
      return false;
    });
    const go = held(open);
    open.put(`failed/${ID}`, "before");
    if (isSwept)
      await eventually("it is swept", () => {
        open.clock.advance(60_000);
        return asked.length > 0;
      });
    else open.contract.ended(ID);
    const attempt = open.attempt();
    // So much time as it would have taken.
    for (let looks = 0; looks < 100; looks++) await open.contract.look();
    go();
    await open.contract.end();
    await does(open);
    assert.equal((await attempt).text, "done");
  }
});

test("an attempt that waits for a removal ends in time", async () => {
  const open = await opened();
  held(open);
  open.contract.ended(ID);
  const limit = new AbortController();
  const attempt = open.attempt({}, limit.signal);
  limit.abort(new OutriggerError("timeout", "enough"));
  await assert.rejects(attempt, { code: "timeout" });
});

test("an end that is heard of when the job was begun anew takes nothing from it", async () => {
  const open = await opened();
  const attempt = open.attempt();
  await isGiven(open);
  open.contract.ended(ID);
  await open.contract.end();
  assert.deepEqual(open.all(), [INPUT]);
  await does(open);
  await attempt;
});

test("a job that is begun while the sweep asks after it is not swept", async () => {
  const at = join(scratch, "asked");
  for (const name of ["in", "out"]) mkdirSync(join(at, name), { recursive: true });
  // in/ is looked at first.
  for (const name of [PART, `out/${OTHER}`]) writeFileSync(join(at, name), "");
  let tell = (): void => {};
  const asked = new Promise<void>((resolve) => (tell = resolve));
  let isAsked = false;
  const open = await opened(at, async (id) => {
    if (id === ID) {
      isAsked = true;
      await asked;
    }
    return false;
  });
  await eventually("it is asked after", () => isAsked);
  const attempt = open.attempt();
  await isGiven(open);
  tell();
  await eventually("the other goes", () => !existsSync(open.path(`out/${OTHER}`)));
  assert.deepEqual(open.all(), [INPUT]);
  await does(open);
  await attempt;
});
