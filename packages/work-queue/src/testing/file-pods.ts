/** Containers of a work queue on one Redis, and pods of a program in a loop each. Not for others than tests: it ends them with the file. */
import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before } from "node:test";
import { fileURLToPath } from "node:url";
import { noRedisServer, RedisServer } from "@outrigger/core/testing";
import { startContainer, type ContainerProcess } from "@outrigger/core/testing/container";
import { FileProgram } from "./file-program.ts";
import type { Told } from "./opened-queue.ts";

const bin = fileURLToPath(new URL("../main.js", import.meta.url));
const scratch = mkdtempSync(join(tmpdir(), "outrigger-files-killed-"));
const programs: FileProgram[] = [];
let redis: RedisServer;
let queues = 0;
/** A name that no other queue of this file has. */
export const newQueue = (): string => `files-${queues++}`;
export const options = { skip: noRedisServer };
before(async () => {
  if (!noRedisServer) redis = await RedisServer.start(["--appendonly", "yes"]);
});
after(async () => {
  for (const program of programs) await program.end();
  if (!noRedisServer) await redis.end();
  rmSync(scratch, { recursive: true, force: true });
});

export interface Pod {
  readonly folder: string;
  readonly program: FileProgram;
}

export function pod(): Pod {
  const folder = mkdtempSync(join(scratch, "pod-"));
  for (const name of ["in", "out", "failed"]) mkdirSync(join(folder, name));
  const program = new FileProgram(folder);
  programs.push(program);
  return { folder, program };
}

export const start = (queue: string, folder: string, ...more: string[]): Promise<ContainerProcess> =>
  startContainer(bin, [
    ...["--backend", redis.url, "--queue", queue, "--workload", `files:${folder}`, "--listen", "127.0.0.1:0"],
    ...["--settle", "0s", "--lock-duration", "1s", "--backoff", "1ms", ...more],
  ]);
export const kill = async (container: ContainerProcess): Promise<void> => {
  container.child.kill("SIGKILL");
  await container.exited;
};
export const post = async (front: ContainerProcess, body: string, path = "/x.txt"): Promise<string> => {
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
export const result = async (front: ContainerProcess, id: string): Promise<string> => {
  assert.equal((await outcome(front, id)).state, "done");
  return (await get(front, `/jobs/${id}/result`)).text();
};
export const left = ({ folder }: Pod): string[] =>
  ["in", "out", "failed"].flatMap((name) => readdirSync(join(folder, name)));
export const runsOf = ({ program }: Pod, id: string): number =>
  program.runs.filter((name) => name.startsWith(id)).length;
