/** Containers of a work queue on one Redis, and pods of a program in a loop each. Not for others than tests: it ends them with the file. */
import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before } from "node:test";
import { fileURLToPath } from "node:url";
import { noRedisServer, RedisServer } from "@outrigger/core/testing";
import { startContainer } from "@outrigger/core/testing/container";
import { FileProgram } from "./file-program.js";
const bin = fileURLToPath(new URL("../main.js", import.meta.url));
const scratch = mkdtempSync(join(tmpdir(), "outrigger-files-killed-"));
const programs = [];
let redis;
let queues = 0;
/** A name that no other queue of this file has. */
export const newQueue = () => `files-${queues++}`;
export const options = { skip: noRedisServer };
before(async () => {
    if (!noRedisServer)
        redis = await RedisServer.start(["--appendonly", "yes"]);
});
after(async () => {
    for (const program of programs)
        await program.end();
    if (!noRedisServer)
        await redis.end();
    rmSync(scratch, { recursive: true, force: true });
});
export function pod() {
    const folder = mkdtempSync(join(scratch, "pod-"));
    for (const name of ["in", "out", "failed"])
        mkdirSync(join(folder, name));
    const program = new FileProgram(folder);
    programs.push(program);
    return { folder, program };
}
export const start = (queue, folder, ...more) => startContainer(bin, [
    ...["--backend", redis.url, "--queue", queue, "--workload", `files:${folder}`, "--listen", "127.0.0.1:0"],
    ...["--settle", "0s", "--lock-duration", "1s", "--backoff", "1ms", ...more],
]);
export const kill = async (container) => {
    container.child.kill("SIGKILL");
    await container.exited;
};
export const post = async (front, body, path = "/x.txt") => {
    const answer = await fetch(`http://127.0.0.1:${front.port}${path}`, { method: "POST", body });
    assert.equal(answer.status, 202);
    return (await answer.json()).id;
};
const get = (front, path) => fetch(`http://127.0.0.1:${front.port}${path}`);
async function outcome(front, id) {
    for (;;) {
        const job = (await (await get(front, `/jobs/${id}`)).json());
        if (job.state === "done" || job.state === "failed")
            return job;
        await new Promise((resolve) => setTimeout(resolve, 5));
    }
}
export const result = async (front, id) => {
    assert.equal((await outcome(front, id)).state, "done");
    return (await get(front, `/jobs/${id}/result`)).text();
};
export const left = ({ folder }) => ["in", "out", "failed"].flatMap((name) => readdirSync(join(folder, name)));
export const runsOf = ({ program }, id) => program.runs.filter((name) => name.startsWith(id)).length;
//# sourceMappingURL=file-pods.js.map