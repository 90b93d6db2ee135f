/** The container as a process: requests in, jobs kept through kill -9, the workload's answers out. */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { eventually, noRedisServer, RedisServer } from "@outrigger/core/testing";
import { get, startContainer } from "@outrigger/core/testing/container";
import { hasTold, ScalerClient } from "./testing/scaler-client.js";
import { Receiver } from "./testing/receiver.js";
import { Workload } from "./testing/workload.js";
const bin = fileURLToPath(new URL("main.js", import.meta.url));
const scratch = mkdtempSync(join(tmpdir(), "outrigger-work-queue-"));
after(() => rmSync(scratch, { recursive: true, force: true }));
const workload = await Workload.start();
after(() => workload.end());
const start = (backend, ...more) => startContainer(bin, [
    ...["--backend", backend, "--workload", workload.url, "--listen", "127.0.0.1:0", "--settle", "0s"],
    ...more,
]);
async function post(queue, target, init = {}) {
    return fetch(`http://127.0.0.1:${queue.port}${target}`, { method: "POST", ...init });
}
/** Asks until the job has ended. */
async function outcome(queue, id) {
    for (;;) {
        const told = (await (await fetch(`http://127.0.0.1:${queue.port}/jobs/${id}`)).json());
        if (told.state === "done" || told.state === "failed")
            return told;
    }
}
test("a request is kept, answered by the workload, and its answer can be had", async () => {
    const queue = await start(`embedded:${join(scratch, "whole")}`);
    workload.behave = ({ headers, body }, response) => {
        response.writeHead(201, { "x-attempt": headers["outrigger-attempt"] ?? "", "x-body": body.toString() });
        response.end("made");
    };
    const accepted = await post(queue, "/things?a=1", { body: "one", headers: { authorization: "secret" } });
    assert.equal(accepted.status, 202);
    const location = accepted.headers.get("location") ?? "";
    assert.match(location, /^\/jobs\/[0-9a-f]{32}$/);
    const { id } = (await accepted.json());
    assert.equal((await outcome(queue, id)).state, "done");
    const result = await fetch(`http://127.0.0.1:${queue.port}${location}/result`);
    assert.deepEqual([result.status, result.headers.get("x-attempt"), result.headers.get("x-body"), await result.text()], [201, "1", "one", "made"]);
    const seen = workload.seen.at(-1);
    assert.equal(seen?.target, "/things?a=1");
    assert.equal(seen?.headers["outrigger-job"], id);
    assert.equal(seen?.headers.authorization, undefined);
    queue.child.kill("SIGTERM");
    assert.equal(await queue.exited, 0);
});
test("a file that changes is read again: what may change counts, what may not is refused by name", { skip: noRedisServer }, async () => {
    const redis = await RedisServer.start(["--appendonly", "yes"]);
    const file = join(scratch, "queue.yaml");
    const write = (more) => writeFileSync(file, `backend: ${redis.url}\nworkload: ${workload.url}\nlisten: 127.0.0.1:0\nmaxBody: 1KiB\n${more}`);
    write("");
    const queue = await startContainer(bin, ["--config", file, "--settle", "0s"]);
    workload.behave = (_seen, response) => void response.end("passed");
    assert.equal((await post(queue, "/", { body: "x" })).status, 202);
    write("rules: ['*=pass']\nlogLevel: debug\n");
    await queue.line(/^configuration reloaded/);
    assert.equal((await post(queue, "/", { body: "x" })).status, 200);
    write("queue: other\nlockDuration: 1m\n");
    const refused = await queue.line(/^configuration not reloaded/);
    assert.match(refused.reason ?? "", /^queue, lockDuration: taken at the start only; restart it/);
    assert.equal((await post(queue, "/", { body: "x" })).status, 200);
    queue.child.kill("SIGTERM");
    assert.equal(await queue.exited, 0);
    await redis.end();
});
test("a worker with --drain-and-exit does what there is, retries included, and ends with 0", { skip: noRedisServer }, async () => {
    const redis = await RedisServer.start(["--appendonly", "yes"]);
    const front = await start(redis.url, "--role", "front");
    const ids = [];
    for (let at = 0; at < 20; at++)
        ids.push((await (await post(front, `/${at}`, { body: "x" })).json()).id);
    let failed = false;
    workload.behave = (_seen, response) => {
        if (!failed)
            response.writeHead(503);
        failed = true;
        response.end();
    };
    const worker = await start(redis.url, "--role", "worker", "--drain-and-exit", "--backoff", "2s");
    assert.equal(await worker.exited, 0);
    for (const id of ids)
        assert.equal((await outcome(front, id)).state, "done");
    // Where there is nothing to do, too.
    assert.equal(await (await start(redis.url, "--role", "worker", "--drain-and-exit")).exited, 0);
    front.child.kill("SIGKILL");
    await front.exited;
    await redis.end();
});
test("dlq lists what was given up, and replays it", { skip: noRedisServer }, async () => {
    const redis = await RedisServer.start(["--appendonly", "yes"]);
    const queue = await start(redis.url, "--attempts", "1");
    const dlq = async (...words) => {
        const control = ["--control", `127.0.0.1:${queue.control}`];
        return (await promisify(execFile)(process.execPath, [bin, "dlq", ...words, ...control])).stdout;
    };
    assert.equal(await dlq("list"), "no dead letters\n");
    workload.behave = (_seen, response) => void response.writeHead(500).end();
    const { id } = (await (await post(queue, "/pay", { body: "one" })).json());
    assert.equal((await outcome(queue, id)).state, "failed");
    assert.match(await dlq("list", "--reason", "attempts"), new RegExp(`^${id} .* attempts +1 +POST /pay `, "m"));
    assert.equal(JSON.parse(await dlq("show", id)).request.body, "one");
    workload.behave = (_seen, response) => void response.end("ok");
    assert.equal(await dlq("replay", id), "1 replayed\n");
    assert.equal((await outcome(queue, id)).state, "done");
    await assert.rejects(dlq("show", id), { code: 1, stderr: /no dead letter has this id: dlq list shows/ });
    queue.child.kill("SIGKILL");
    await queue.exited;
    await redis.end();
});
test("the README names every metric of the queue that there is, and none that there is not", { skip: noRedisServer }, async () => {
    const redis = await RedisServer.start(["--appendonly", "yes"]);
    const key = join(scratch, "key");
    writeFileSync(key, "key");
    const queue = await start(redis.url, ...["--scaler", "127.0.0.1:0", "--webhooks", "http://127.0.0.1:1/", "--webhook-secret-file", key]);
    workload.behave = (_seen, response) => void response.end("ok");
    assert.equal((await post(queue, "/", { body: "x", headers: { prefer: "wait=30" } })).status, 200);
    const { body } = await get(queue.probe, "/metrics");
    const real = new Set([...body.matchAll(/^# TYPE (outrigger_queue_\w+) /gm)].map(([, name]) => name));
    const readme = readFileSync(new URL("../README.md", import.meta.url), "utf8");
    const said = new Set([...readme.matchAll(/outrigger_queue_[a-z_]+/g)].map(([name]) => name));
    assert.deepEqual([...said].sort(), [...real].sort());
    queue.child.kill("SIGKILL");
    await queue.exited;
    await redis.end();
});
for (const [kind, skip] of [
    ["embedded", false],
    ["redis", noRedisServer],
]) {
    test(`kill -9 of all that is ours loses no job that was answered 202 (${kind})`, { skip }, async () => {
        const redis = kind === "redis" ? await RedisServer.start(["--appendonly", "yes"]) : null;
        const backend = redis?.url ?? `embedded:${join(scratch, "killed")}`;
        const done = new Set();
        workload.behave = ({ headers }, response) => {
            done.add(headers["outrigger-job"]);
            response.end("ok");
        };
        const accepted = [];
        try {
            for (let round = 0; round < 3; round++) {
                const queue = await start(backend, "--role", "front");
                const callers = Array.from({ length: 8 }, async () => {
                    for (;;) {
                        const answer = await post(queue, "/", { body: "x" }).catch(() => null);
                        if (answer?.status !== 202)
                            return;
                        accepted.push((await answer.json().catch(() => ({ id: "" }))).id);
                        if (accepted.length > 60 * (round + 1))
                            queue.child.kill("SIGKILL");
                    }
                });
                await Promise.all(callers);
                await queue.exited;
            }
            const queue = await start(backend);
            for (const id of accepted.filter(Boolean))
                assert.equal((await outcome(queue, id)).state, "done", id);
            for (const id of accepted.filter(Boolean))
                assert.ok(done.has(id));
            assert.ok(accepted.length > 180);
            queue.child.kill("SIGKILL");
            await queue.exited;
        }
        finally {
            await redis?.end();
        }
    });
}
test("a scaler that watches is told of the end, and the container ends", { skip: noRedisServer }, async () => {
    const redis = await RedisServer.start(["--appendonly", "yes"]);
    const front = await start(redis.url, "--role", "front", "--scaler", "127.0.0.1:0");
    const { listeners } = await front.line(/^ready$/);
    const client = new ScalerClient(listeners?.["scaler"]?.[0]);
    const watched = client.watch();
    await hasTold(watched, false);
    await post(front, "/");
    await hasTold(watched, false, true);
    front.child.kill("SIGTERM");
    assert.equal(await watched.ended, 0);
    assert.equal(await front.exited, 0);
    client.close();
    await redis.end();
});
test("kill -9 takes no webhook's word with it: each job that ended is told, as it ended", { skip: noRedisServer }, async () => {
    const redis = await RedisServer.start(["--appendonly", "yes"]);
    const receiver = await Receiver.start();
    const key = join(scratch, "key-of-kills");
    writeFileSync(key, "key");
    const hooked = [redis.url, "--webhooks", receiver.url, "--webhook-secret-file", key];
    const begin = () => start(hooked[0], ...hooked.slice(1), "--lock-duration", "1s", "--backoff", "1ms", "--attempts", "2");
    let answered = 0;
    workload.behave = ({ body }, response) => {
        answered++;
        response.writeHead(body.toString() === "bad" ? 404 : 200).end();
    };
    // Of each it does not take the first word.
    const heard = new Set();
    receiver.answer = (response, { body }) => {
        response.writeHead(heard.has(body.id) ? 200 : 503).end();
        heard.add(body.id);
    };
    const expected = new Map();
    let queue = await begin();
    for (let kills = 0; kills < 4; kills++) {
        const target = answered + 3 * kills;
        for (let jobs = 0; jobs < 12; jobs++) {
            const body = jobs % 3 === 0 ? "bad" : "good";
            const { id } = (await (await post(queue, "/", { body })).json());
            expected.set(id, body === "bad" ? "failed" : "done");
        }
        // In the middle of attempts, words and calls.
        await eventually("some are answered", () => answered >= target);
        queue.child.kill("SIGKILL");
        await queue.exited;
        queue = await begin();
    }
    for (const [id, state] of expected)
        assert.equal((await outcome(queue, id)).state, state);
    const untold = () => [...expected.keys()].filter((id) => !receiver.told.some(({ body }) => body.id === id));
    for (const end = Date.now() + 30_000; untold().length > 0 && Date.now() < end;)
        await new Promise((resolve) => setImmediate(resolve));
    assert.deepEqual(untold(), []);
    for (const { body } of receiver.told)
        assert.equal(body.state, expected.get(body.id));
    queue.child.kill("SIGTERM");
    assert.equal(await queue.exited, 0);
    await receiver.end();
    await redis.end();
});
//# sourceMappingURL=container.test.js.map