/** Attempts on folders in every state in which a worker may find them; the test is the program. */
import assert from "node:assert/strict";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, statSync, symlinkSync, writeFileSync, } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { OutriggerError, silentLogger } from "@outrigger/core";
import { eventually, VirtualClock } from "@outrigger/core/testing";
import { Bodies } from "../blobs/bodies.js";
import { readBody, storeBody } from "../job/body.js";
import { collect } from "../testing/collect.js";
import { onSmallDisk } from "../testing/full-disk.js";
import { FileContract } from "./file-contract.js";
import { JobFiles } from "./job-files.js";
const scratch = mkdtempSync(join(tmpdir(), "outrigger-contract-"));
after(() => rmSync(scratch, { recursive: true, force: true }));
let folders = 0;
const ID = "0123456789abcdef0123456789abcdef";
const OTHER = "f".repeat(32);
const blobs = {
    async *read() {
        yield Buffer.alloc(300_000, "a");
        yield Buffer.alloc(300_000, "b");
    },
};
async function opened(at = join(scratch, String(folders++)), isUnfinished = async () => true) {
    const warned = [];
    const log = { ...silentLogger, warn: (_fields, message) => void warned.push(message) };
    const clock = new VirtualClock();
    const contract = new FileContract(await JobFiles.open(at), {
        ...{ clock, log, isUnfinished, bodies: new Bodies(blobs) },
    });
    const path = (...names) => join(at, ...names);
    return {
        ...{ folder: at, contract, clock, warned, path },
        put: (name, text = "") => writeFileSync(path(name), text),
        all: () => ["in", "out", "failed"].flatMap((of) => readdirSync(path(of)).map((name) => `${of}/${name}`)).sort(),
        attempt: async ({ body = "hello", ...more } = {}, signal = new AbortController().signal) => {
            const answer = await contract.attempt({
                ...{ id: ID, number: 1, isLast: true, maxAnswer: 1_000 },
                request: { method: "POST", target: "/x.txt", fields: [], body },
                keepBody: async (_status, pieces) => storeBody(Buffer.concat(await collect(pieces))),
                ...more,
            }, signal);
            const text = readBody(answer.body).toString();
            return { status: answer.status, type: answer.fields[0]?.[1], text };
        },
    };
}
const INPUT = `in/${ID}.txt`;
const PART = `in/.${ID}.txt.part`;
const isGiven = ({ path }) => eventually("it is given", () => existsSync(path(INPUT)));
const refusal = (code, message) => (thrown) => OutriggerError.from(thrown).code === code && message.test(thrown.message);
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
        limit.abort(new OutriggerError(code, "enough"));
        await assert.rejects(attempt, { code });
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
    await assert.rejects(attempts[0], { code: "timeout" });
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
    ]) {
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
    const answer = await open.contract.attempt({
        ...{ id: ID, number: 1, isLast: true, maxAnswer: 1_000, keepBody: async () => "" },
        request: { method: "GET", target: "/", fields: [], body: "" },
    }, new AbortController().signal);
    assert.deepEqual(answer.fields, [
        ["content-type", "image/png"],
        ["content-disposition", `attachment; filename="${ID}.a___x___.PNG"`],
    ]);
});
test("files of jobs that have ended are swept at the start and each minute, and nobody else's", async () => {
    const at = join(scratch, "swept");
    const files = [INPUT, PART, `out/${ID}-1`, `failed/${ID}`].map((name) => join(at, name));
    const kept = ["in/notes.txt", "out/.hidden", `out/x${ID}`, `failed/${ID}0`, `in/${OTHER}.txt`];
    for (const name of ["in", "out", "failed"])
        mkdirSync(join(at, name), { recursive: true });
    for (const file of [...files, ...kept.map((name) => join(at, name))])
        writeFileSync(file, "");
    mkdirSync(join(at, "out", ID));
    writeFileSync(join(at, "out", ID, "x"), "");
    const unfinished = new Set([OTHER]);
    let isAway = false;
    const open = await opened(at, async (id) => {
        if (isAway)
            throw new Error("away");
        return unfinished.has(id);
    });
    await eventually("they go", () => open.all().length === kept.length);
    assert.deepEqual(open.all(), [...kept].sort());
    const late = () => open.put(`out/${ID}`, "of a program that went on");
    const passes = () => eventually("a sweep passes", () => {
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
        attempt.catch(() => { });
        // The sweep's, and its own.
        await eventually("it waits", () => open.clock.pendingTimers === 2);
        await eventually("it is given up", () => {
            open.clock.advance(1_000);
            return ended;
        });
        await assert.rejects(attempt, refusal("input-not-written", /ENOSPC/));
        assert.deepEqual(open.all(), [PART]);
        assert.equal(statSync(open.path(PART)).size, 0);
        const small = open.attempt();
        await isGiven(open);
        open.put(`out/${ID}`, "done");
        rmSync(open.path(INPUT));
        assert.equal((await small).text, "done");
    });
    if (!isDone)
        t.skip("this user may not mount");
});
//# sourceMappingURL=file-contract.test.js.map