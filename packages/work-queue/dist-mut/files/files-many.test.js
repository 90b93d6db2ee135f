/** Many jobs for programs in a loop: with their workers killed again and again, with one of two pods gone, and among files that are nobody's. */
import assert from "node:assert/strict";
import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { eventually } from "@outrigger/core/testing";
import { kill, left, newQueue, options, pod, post, result, runsOf, start } from "../testing/file-pods.js";
test("killed again and again among many jobs: each is done, and none is asked for twice", options, async () => {
    const [queue, there] = [newQueue(), pod()];
    const front = await start(queue, "/", "--role", "front");
    const ids = [];
    for (let round = 0; round < 5; round++) {
        const worker = await start(queue, there.folder, "--role", "worker", "--concurrency", "8");
        const before = there.program.runs.length;
        ids.push(...(await Promise.all(Array.from({ length: 30 }, (_, at) => post(front, `job ${round} ${at}`)))));
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
});
test("of two pods one goes for good: the other does what it had begun", options, async () => {
    const queue = newQueue();
    const [gone, stays] = [pod(), pod()];
    const front = await start(queue, "/", "--role", "front");
    const workers = await Promise.all([gone, stays].map(({ folder }) => start(queue, folder, "--role", "worker")));
    const ids = await Promise.all(Array.from({ length: 100 }, (_, at) => post(front, `job ${at}`)));
    await eventually("both work", () => [gone, stays].every(({ program }) => program.runs.length > 2));
    await kill(workers[0]);
    await gone.program.end();
    for (const [at, id] of ids.entries()) {
        assert.equal(await result(front, id), `JOB ${at}`);
        const runs = [gone, stays].map((each) => runsOf(each, id));
        assert.ok(runs[0] <= 1 && runs[1] <= 1 && Math.max(...runs) === 1, runs.join());
    }
    // Twice at most what the one that went had at once.
    assert.ok(gone.program.runs.length + stays.program.runs.length <= 104);
    await eventually("nothing stays", () => left(stays).length === 0);
    await kill(workers[1]);
    await kill(front);
});
test("a thousand jobs, among files that are nobody's", options, async () => {
    const [queue, there] = [newQueue(), pod()];
    const garbage = ["out/notes.txt", "failed/.hidden", `out/x${"0".repeat(32)}`].map((name) => join(there.folder, name));
    for (const file of garbage)
        writeFileSync(file, "");
    const front = await start(queue, "/", "--role", "front");
    const worker = await start(queue, there.folder, "--role", "worker", "--concurrency", "50");
    const ids = [];
    while (ids.length < 1_000)
        ids.push(...(await Promise.all(Array.from({ length: 50 }, (_, at) => post(front, `job ${ids.length + at}`)))));
    for (const [at, id] of ids.entries())
        assert.equal(await result(front, id), `JOB ${at}`);
    assert.equal(there.program.runs.length, 1_000);
    await eventually("its own files go", () => left(there).length === garbage.length);
    for (const file of garbage)
        assert.ok(existsSync(file), file);
    await kill(worker);
    await kill(front);
});
//# sourceMappingURL=files-many.test.js.map