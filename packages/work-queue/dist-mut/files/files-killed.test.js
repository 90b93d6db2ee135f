/** The container beside a program in a loop: kill -9 at any point loses no job, and asks the program for none a second time. */
import assert from "node:assert/strict";
import { existsSync, readdirSync, watch, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { eventually } from "@outrigger/core/testing";
import { kill, left, newQueue, options, pod, post, result, runsOf, start } from "../testing/file-pods.js";
test("killed while the program works: the next worker waits on, or takes what was made meanwhile", options, async () => {
    for (const isMadeMeanwhile of [false, true]) {
        const [queue, there] = [newQueue(), pod()];
        const front = await start(queue, "/", "--role", "front");
        const worker = await start(queue, there.folder, "--role", "worker");
        const id = await post(front, "waits\n");
        await eventually("it has begun", () => runsOf(there, id) === 1);
        await kill(worker);
        const go = () => writeFileSync(join(there.folder, "go"), "");
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
});
test("killed while an input is written: the program never sees a part of it", options, async () => {
    const [queue, there] = [newQueue(), pod()];
    const front = await start(queue, "/", "--role", "front");
    // Its first line is short: a shell reads it byte by byte.
    const body = `large\n${"x".repeat(12_000_000)}`;
    const id = await post(front, body);
    const worker = await start(queue, there.folder, "--role", "worker");
    // It may be whole by then: killed is killed.
    if (left(there).length === 0)
        await new Promise((resolve) => {
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
test("at SIGTERM what the program has stays with it, for the next worker of the pod", options, async () => {
    const [queue, there] = [newQueue(), pod()];
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
//# sourceMappingURL=files-killed.test.js.map