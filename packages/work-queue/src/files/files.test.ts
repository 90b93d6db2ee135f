/** A program in a loop, on a real queue: what its callers are told of what it wrote. */
import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, beforeEach, test } from "node:test";
import { eventually } from "@outrigger/core/testing";
import { FileProgram } from "../testing/file-program.ts";
import { ask as askOf, openedQueue, outcome, told, type Told } from "../testing/opened-queue.ts";

const scratch = mkdtempSync(join(tmpdir(), "outrigger-files-"));
const folder = join(scratch, "work");
mkdirSync(folder);
const queue = await openedQueue({
  backend: `embedded:${join(scratch, "queue")}`,
  workload: `files:${folder}`,
  maxAnswer: "1MiB",
});
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
