/** A program in a loop, on a real queue: what its callers are told of what it wrote. */
import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, beforeEach, test } from "node:test";
import { eventually } from "@outrigger/core/testing";
import { parseWorkQueueConfig } from "../config/config.ts";
import { FileProgram } from "../testing/file-program.ts";
import { onSmallDisk } from "../testing/full-disk.ts";
import { ask as askOf, openedQueue, outcome, told, type Told } from "../testing/opened-queue.ts";

const scratch = mkdtempSync(join(tmpdir(), "outrigger-files-"));
const folder = join(scratch, "work");
mkdirSync(folder);
const settings = {
  ...{ backend: `embedded:${join(scratch, "queue")}`, workload: `files:${folder}`, maxAnswer: "1MiB" },
  ...{ listen: "127.0.0.1:0", backoff: "1ms", attempts: 3 },
};
const queue = await openedQueue(settings);
const program = new FileProgram(folder);
after(async () => {
  await program.end();
  await queue.stop();
  rmSync(scratch, { recursive: true, force: true });
});
beforeEach(() => {
  for (const name of ["go", "fell"]) rmSync(join(folder, name), { force: true });
});

const post = (path: string, body: string | Buffer, headers: Record<string, string> = {}): Promise<Response> =>
  askOf(queue, path, { method: "POST", body, headers });
const waited = (path: string, body: string | Buffer): Promise<Response> =>
  post(path, body, { prefer: "wait=30" });
const left = (): string[] =>
  ["in", "out", "failed"].flatMap((name) => readdirSync(join(folder, name)).map((file) => `${name}/${file}`));
const nothingStays = (): Promise<void> => eventually("nothing stays", () => left().length === 0);
const runsOf = (id: string): string[] => program.runs.filter((name) => name.startsWith(id));
async function ended(body: string): Promise<Told> {
  return outcome(queue, (await told(await post("/x.txt", body))).id);
}

test("a request's body is the program's input, and its output the answer, and both go", async () => {
  const answer = await waited("/texts/Some%20one.TXT?a=b.pdf", "hello");
  assert.equal(answer.status, 200);
  assert.equal(await answer.text(), "HELLO");
  const id = answer.headers.get("outrigger-job") as string;
  assert.equal(answer.headers.get("content-type"), "text/plain");
  assert.equal(answer.headers.get("content-disposition"), `attachment; filename="${id}.txt"`);
  assert.deepEqual(runsOf(id), [`${id}.txt`]);
  await nothingStays();
});

test("what the program says in failed/ is the answer of a failed attempt, which is tried again", async () => {
  const job = await ended("fails");
  assert.deepEqual([job.state, job.reason, job.attempts, job.status], ["failed", "attempts", 3, 500]);
  const result = await askOf(queue, `/jobs/${job.id}/result`);
  assert.equal(await result.text(), `cannot: ${job.id}.txt\n`);
  assert.equal(runsOf(job.id).length, 3);
  const again = await waited("/", "fails-once\n");
  assert.deepEqual([again.status, await again.text()], [200, "ok\n"]);
  await nothingStays();
});

test("an input that goes and leaves nothing is tried again, and failed at last", async () => {
  const job = await ended("nothing");
  assert.deepEqual([job.state, job.reason, job.attempts], ["failed", "attempts", 3]);
  assert.match(job.message, /the input is gone, and out\/ has nothing of it/);
  assert.equal(runsOf(job.id).length, 3);
});

for (const [what, message] of [
  ["twice", /out\/ has \w+-1\.txt, \w+-2\.txt: one file is an answer/],
  ["folder", /is no regular file/],
  ["link", /is no regular file/],
  ["pipe", /is no regular file/],
] as const)
  test(`what is no answer fails its job at once, as answer: ${what}`, async () => {
    const job = await ended(what);
    assert.deepEqual([job.state, job.reason, job.attempts], ["failed", "answer", 1]);
    assert.match(job.message, message);
    assert.equal(runsOf(job.id).length, 1);
    await nothingStays();
  });

test("a name that is not UTF-8 is an answer's, too", async () => {
  const answer = await waited("/", "bytes\n");
  assert.deepEqual([answer.status, await answer.text()], [200, "done"]);
  assert.equal(answer.headers.get("content-type"), "application/pdf");
  await nothingStays();
});

test("large bodies go through, both ways, and an answer that is too large fails its job", async () => {
  const large = await waited("/large.bin", Buffer.alloc(1_000_000, "x"));
  assert.equal(large.status, 200);
  assert.deepEqual(Buffer.from(await large.arrayBuffer()), Buffer.alloc(1_000_000, "X"));
  const job = await ended("x".repeat(1_048_577));
  assert.deepEqual([job.state, job.reason, job.attempts], ["failed", "answer", 1]);
  assert.match(job.message, /maxAnswer/);
  await nothingStays();
});

test("a request without a body is an empty input", async () => {
  const answer = await askOf(queue, "/", { headers: { prefer: "wait=30" } });
  assert.deepEqual([answer.status, await answer.text()], [200, ""]);
  assert.equal(answer.headers.get("content-type"), "application/octet-stream");
});

test("where there is no room for its input a job waits, spends no attempt, and is done when there is some", async (t) => {
  await nothingStays();
  const isDone = await onSmallDisk(join(folder, "in"), "1m", async () => {
    const filler = join(folder, "in", ".filler");
    assert.throws(() => writeFileSync(filler, Buffer.alloc(2_000_000)), { code: "ENOSPC" });
    const { id } = await told(await post("/x.txt", `room\n${"x".repeat(100_000)}`));
    // Begun more often than it may be tried.
    for (let begun = 0; begun <= settings.attempts;) {
      const { state, attempts } = await told(await askOf(queue, `/jobs/${id}`));
      assert.notEqual(state, "failed");
      begun = attempts;
    }
    assert.deepEqual(runsOf(id), []);
    rmSync(filler);
    assert.equal((await outcome(queue, id)).state, "done");
    assert.deepEqual(runsOf(id).length, 1);
    await nothingStays();
  });
  if (!isDone) t.skip("this user may not mount");
});

/** A job that the program has begun, and goes on with until it is told. */
async function begun(): Promise<Told> {
  const job = await told(await post("/x.txt", "waits\n"));
  await eventually("it has begun", () => runsOf(job.id).length > 0);
  return job;
}

test("what the program did not come to in time is taken away, and never begun", async () => {
  const first = await begun();
  await queue.reload(parseWorkQueueConfig({ ...settings, timeout: "20ms" }));
  const late = await ended("too late");
  await queue.reload(parseWorkQueueConfig(settings));
  assert.deepEqual([late.state, late.reason, late.attempts], ["failed", "attempts", 3]);
  assert.match(late.message, /no whole answer within 20 ms/);
  const past = await told(await post("/x.txt", "too late", { "outrigger-deadline": "50ms" }));
  assert.equal((await outcome(queue, past.id)).reason, "deadline");
  await eventually("the first alone stays", () => left().join() === `in/${first.id}.txt`);
  writeFileSync(join(folder, "go"), "");
  assert.equal((await outcome(queue, first.id)).state, "done");
  assert.equal(await (await waited("/y", "next")).text(), "NEXT");
  assert.deepEqual([...runsOf(late.id), ...runsOf(past.id)], []);
});

test("a job that its caller cancels is taken away from the program", async () => {
  const job = await begun();
  assert.equal((await askOf(queue, `/jobs/${job.id}`, { method: "DELETE" })).status, 202);
  assert.equal((await outcome(queue, job.id)).reason, "cancelled");
  // What it says later is nobody's any more.
  assert.equal(await (await waited("/y", "next")).text(), "NEXT");
  assert.equal(runsOf(job.id).length, 1);
});

test("a front alone needs no folder", async () => {
  const front = await openedQueue({
    ...{ backend: `embedded:${join(scratch, "front")}`, role: "front", workload: "files:/nowhere/at/all" },
  });
  assert.equal((await askOf(front, "/", { method: "POST", body: "x" })).status, 202);
  await front.stop();
});
