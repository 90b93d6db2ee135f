/** The container beside a program in a loop: kill -9 at any point loses no job, and asks the program for none a second time. */
import assert from "node:assert/strict";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, watch, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { eventually, noRedisServer, RedisServer } from "@outrigger/core/testing";
import { startContainer, type ContainerProcess } from "@outrigger/core/testing/container";
import { FileProgram } from "../testing/file-program.ts";
import type { Told } from "../testing/opened-queue.ts";

const bin = fileURLToPath(new URL("../main.js", import.meta.url));
const scratch = mkdtempSync(join(tmpdir(), "outrigger-files-killed-"));
const programs: FileProgram[] = [];
let redis: RedisServer;
let queues = 0;
before(async () => {
  if (!noRedisServer) redis = await RedisServer.start(["--appendonly", "yes"]);
});
after(async () => {
  for (const program of programs) await program.end();
  if (!noRedisServer) await redis.end();
  rmSync(scratch, { recursive: true, force: true });
});

interface Pod {
  readonly folder: string;
  readonly program: FileProgram;
}

function pod(): Pod {
  const folder = mkdtempSync(join(scratch, "pod-"));
  for (const name of ["in", "out", "failed"]) mkdirSync(join(folder, name));
  const program = new FileProgram(folder);
  programs.push(program);
  return { folder, program };
}

const start = (queue: string, folder: string, ...more: string[]): Promise<ContainerProcess> =>
  startContainer(bin, [
    ...["--backend", redis.url, "--queue", queue, "--workload", `files:${folder}`, "--listen", "127.0.0.1:0"],
    ...["--settle", "0s", "--lock-duration", "1s", "--backoff", "1ms", ...more],
  ]);
const kill = async (container: ContainerProcess): Promise<void> => {
  container.child.kill("SIGKILL");
  await container.exited;
};
const post = async (front: ContainerProcess, body: string, path = "/x.txt"): Promise<string> => {
  const answer = await fetch(`http://127.0.0.1:${front.port}${path}`, { method: "POST", body });
  assert.equal(answer.status, 202);
  return ((await answer.json()) as Told).id;
};
const get = (front: ContainerProcess, path: string): Promise<Response> =>
  fetch(`http://127.0.0.1:${front.port}${path}`);

async function outcome(front: ContainerProcess, id: string): Promise<Told> {
  for (;;) {
    const job = (await (await get(front, `/jobs/${id}`)).json()) as Told;
    if (job.state === "done" || job.state === "failed") return job;
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
const result = async (front: ContainerProcess, id: string): Promise<string> => {
  assert.equal((await outcome(front, id)).state, "done");
  return (await get(front, `/jobs/${id}/result`)).text();
};
const left = ({ folder }: Pod): string[] =>
  ["in", "out", "failed"].flatMap((name) => readdirSync(join(folder, name)));
const runsOf = ({ program }: Pod, id: string): number =>
  program.runs.filter((name) => name.startsWith(id)).length;

const options = { skip: noRedisServer };

test(
  "killed while the program works: the next worker waits on, or takes what was made meanwhile",
  options,
  async () => {
    for (const isMadeMeanwhile of [false, true]) {
      const [queue, there] = [`works-${queues++}`, pod()];
      const front = await start(queue, "/", "--role", "front");
      const worker = await start(queue, there.folder, "--role", "worker");
      const id = await post(front, "waits\n");
      await eventually("it has begun", () => runsOf(there, id) === 1);
      await kill(worker);
      const go = (): void => writeFileSync(join(there.folder, "go"), "");
      if (isMadeMeanwhile) {
        go();
        await eventually("it is made", () => readdirSync(join(there.folder, "in")).length === 0);
      }
      const next = await start(queue, there.folder, "--role", "worker");
      go();
      assert.equal(await result(front, id), "waited\n");
      assert.equal(runsOf(there, id), 1);
      await eventually("nothing stays", () => left(there).length === 0);
      await kill(next);
      await kill(front);
    }
  },
);

test("killed while an input is written: the program never sees a part of it", options, async () => {
  const [queue, there] = [`writes-${queues++}`, pod()];
  const front = await start(queue, "/", "--role", "front");
  // Its first line is short: a shell reads it byte by byte.
  const body = `large\n${"x".repeat(12_000_000)}`;
  const id = await post(front, body);
  const worker = await start(queue, there.folder, "--role", "worker");
  // It may be whole by then: killed is killed.
  if (left(there).length === 0)
    await new Promise<void>((resolve) => {
      const watcher = watch(join(there.folder, "in"), () => {
        watcher.close();
        resolve();
      });
    });
  await kill(worker);
  const next = await start(queue, there.folder, "--role", "worker");
  assert.equal(await result(front, id), body.toUpperCase());
  assert.equal(runsOf(there, id), 1);
  await eventually("nothing stays", () => left(there).length === 0);
  await kill(next);
  await kill(front);
});

test(
  "killed again and again among many jobs: each is done, and none is asked for twice",
  options,
  async () => {
    const [queue, there] = [`many-${queues++}`, pod()];
    const front = await start(queue, "/", "--role", "front");
    const ids: string[] = [];
    for (let round = 0; round < 5; round++) {
      const worker = await start(queue, there.folder, "--role", "worker", "--concurrency", "8");
      const before = there.program.runs.length;
      ids.push(
        ...(await Promise.all(Array.from({ length: 30 }, (_, at) => post(front, `job ${round} ${at}`)))),
      );
      await eventually("some are done", () => there.program.runs.length > before + 4 * round);
      await kill(worker);
    }
    const worker = await start(queue, there.folder, "--role", "worker", "--concurrency", "8");
    for (const [at, id] of ids.entries())
      assert.equal(await result(front, id), `JOB ${Math.floor(at / 30)} ${at % 30}`);
    assert.deepEqual(there.program.runs.length, new Set(there.program.runs).size);
    assert.equal(there.program.runs.length, ids.length);
    await eventually("nothing stays", () => left(there).length === 0);
    await kill(worker);
    await kill(front);
  },
);

test("of two pods one goes for good: the other does what it had begun", options, async () => {
  const queue = `two-${queues++}`;
  const [gone, stays] = [pod(), pod()];
  const front = await start(queue, "/", "--role", "front");
  const workers = await Promise.all(
    [gone, stays].map(({ folder }) => start(queue, folder, "--role", "worker")),
  );
  const ids = await Promise.all(Array.from({ length: 100 }, (_, at) => post(front, `job ${at}`)));
  await eventually("both work", () => [gone, stays].every(({ program }) => program.runs.length > 2));
  await kill(workers[0] as ContainerProcess);
  await gone.program.end();
  for (const [at, id] of ids.entries()) {
    assert.equal(await result(front, id), `JOB ${at}`);
    const runs = [gone, stays].map((each) => runsOf(each, id));
    assert.ok((runs[0] as number) <= 1 && (runs[1] as number) <= 1 && Math.max(...runs) === 1, runs.join());
  }
  // Twice at most what the one that went had at once.
  assert.ok(gone.program.runs.length + stays.program.runs.length <= 104);
  await eventually("nothing stays", () => left(stays).length === 0);
  await kill(workers[1] as ContainerProcess);
  await kill(front);
});

test("at SIGTERM what the program has stays with it, for the next worker of the pod", options, async () => {
  const [queue, there] = [`ends-${queues++}`, pod()];
  const front = await start(queue, "/", "--role", "front");
  const worker = await start(queue, there.folder, "--role", "worker", "--grace", "100ms");
  const id = await post(front, "waits\n");
  await eventually("it has begun", () => runsOf(there, id) === 1);
  worker.child.kill("SIGTERM");
  assert.equal(await worker.exited, 0);
  assert.ok(existsSync(join(there.folder, "in", `${id}.txt`)));
  writeFileSync(join(there.folder, "go"), "");
  const next = await start(queue, there.folder, "--role", "worker");
  assert.equal(await result(front, id), "waited\n");
  assert.equal(runsOf(there, id), 1);
  await kill(next);
  await kill(front);
});

test("a thousand jobs, among files that are nobody's", options, async () => {
  const [queue, there] = [`thousand-${queues++}`, pod()];
  const garbage = ["out/notes.txt", "failed/.hidden", `out/x${"0".repeat(32)}`].map((name) =>
    join(there.folder, name),
  );
  for (const file of garbage) writeFileSync(file, "");
  const front = await start(queue, "/", "--role", "front");
  const worker = await start(queue, there.folder, "--role", "worker", "--concurrency", "50");
  const ids: string[] = [];
  while (ids.length < 1_000)
    ids.push(
      ...(await Promise.all(Array.from({ length: 50 }, (_, at) => post(front, `job ${ids.length + at}`)))),
    );
  for (const [at, id] of ids.entries()) assert.equal(await result(front, id), `JOB ${at}`);
  assert.equal(there.program.runs.length, 1_000);
  await eventually("its own files go", () => left(there).length === garbage.length);
  for (const file of garbage) assert.ok(existsSync(file), file);
  await kill(worker);
  await kill(front);
});
