import assert from "node:assert/strict";
import { Agent } from "node:http";
import { createServer } from "node:net";
import { test } from "node:test";
import { OutriggerError } from "@outrigger/core";
import { freePort } from "@outrigger/core/testing";
import { storeBody } from "../job/body.js";
import { collect } from "../testing/collect.js";
import { replay, workloadAddress } from "./replay.js";
/** Of bodies that are blobs, by their names. */
const blobs = new Map();
const BODIES = {
    async *readBody({ blob }) {
        const pieces = blobs.get(blob);
        if (pieces === undefined)
            throw new OutriggerError("no-such-blob", "it is gone");
        yield* pieces;
    },
    keepBody: async (_status, pieces) => storeBody(Buffer.concat(await collect(pieces))),
};
const REQUEST = { method: "GET", target: "/", fields: [["host", "h"]], body: "" };
async function answerTo(host, answer) {
    const workload = await new Promise((resolve) => {
        const server = createServer((socket) => {
            socket.on("error", () => { });
            socket.once("data", () => socket.write(answer));
        });
        server.listen(0, host, () => resolve(server));
    });
    const { port, family } = workload.address();
    const agent = new Agent();
    try {
        return await replay(REQUEST, [], {
            agent,
            workload: workloadAddress(`http://${family === "IPv6" ? `[${host}]` : host}:${port}`),
            maxAnswer: 1_000,
            ...BODIES,
        }, new AbortController().signal);
    }
    finally {
        agent.destroy();
        workload.close();
    }
}
test("an answer that is none is a failed attempt, which ends", async () => {
    for (const answer of [
        "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n",
        "HTTP/1.1 000 None\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 999 Odd\r\nContent-Length: 0\r\n\r\n",
        "garbage\r\n\r\n",
    ])
        await assert.rejects(answerTo("127.0.0.1", answer), (thrown) => OutriggerError.from(thrown).code === "no-answer", answer);
});
test("an answer after 103 (Early Hints) is the answer", async () => {
    const early = "HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n";
    const { status, body } = await answerTo("127.0.0.1", `${early}HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx`);
    assert.deepEqual([status, body], [200, "x"]);
});
test("a workload that accepts no connection is away, also where its name has several addresses", async () => {
    const port = await freePort();
    const lookup = ((_name, _options, tell) => tell(null, [
        { address: "127.0.0.1", family: 4 },
        { address: "127.0.0.1", family: 4 },
    ]));
    for (const agent of [new Agent(), new Agent({ lookup, autoSelectFamily: true })]) {
        const deps = {
            agent,
            workload: workloadAddress(`http://localhost:${port}`),
            maxAnswer: 1_000,
            ...BODIES,
        };
        await assert.rejects(replay(REQUEST, [], deps, new AbortController().signal), {
            code: "workload-away",
            message: /no whole answer from localhost:\d+: connect ECONNREFUSED/,
        });
    }
});
test("a workload may have an IPv6 address", async () => {
    assert.equal((await answerTo("::1", "HTTP/1.1 204 No Content\r\n\r\n")).status, 204);
});
test("an attempt that is given up ends at once with the reason, before an answer and within one", async () => {
    for (const answer of ["", "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nx"]) {
        const limit = new AbortController();
        const { sockets, workload, url } = await listening((socket) => {
            socket.write(answer);
            setImmediate(() => limit.abort(new OutriggerError("timeout", "too late")));
        });
        const agent = new Agent();
        const deps = { agent, workload: workloadAddress(url), maxAnswer: 1_000, ...BODIES };
        await assert.rejects(replay(REQUEST, [], deps, limit.signal), (thrown) => OutriggerError.from(thrown).code === "timeout", answer);
        await closed(sockets);
        workload.close();
    }
});
test("an answer that breaks off is none", async () => {
    const { workload, url } = await listening((socket) => socket.end("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nx"));
    const deps = { agent: new Agent(), workload: workloadAddress(url), maxAnswer: 1_000, ...BODIES };
    await assert.rejects(replay(REQUEST, [], deps, new AbortController().signal), (thrown) => OutriggerError.from(thrown).code === "no-answer");
    workload.close();
});
test("an answer without a length ends with its connection", async () => {
    const { workload, url } = await listening((socket) => socket.end("HTTP/1.1 200 OK\r\n\r\nwhole"));
    const deps = {
        agent: new Agent({ keepAlive: true }),
        workload: workloadAddress(url),
        maxAnswer: 1_000,
        ...BODIES,
    };
    assert.equal((await replay(REQUEST, [], deps, new AbortController().signal)).body, "whole");
    workload.close();
});
test("an answer with more than maxAnswer bytes is not taken, and its connection is closed", async () => {
    const { sockets, workload, url } = await listening((socket) => socket.write(`HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n${"x".repeat(2_000)}`));
    const deps = {
        agent: new Agent({ keepAlive: true }),
        workload: workloadAddress(url),
        maxAnswer: 1_000,
        ...BODIES,
    };
    await assert.rejects(replay(REQUEST, [], deps, new AbortController().signal), (thrown) => OutriggerError.from(thrown).code === "answer-too-large");
    await closed(sockets);
    workload.close();
});
test("a body that is a blob is sent as it is read; one that is gone, or breaks off, ends the attempt", async () => {
    blobs.set("whole", [Buffer.alloc(70_000, "a"), Buffer.alloc(30_000, "b")]);
    blobs.set("short", [Buffer.alloc(10)]);
    const sent = [];
    const { sockets, workload, url } = await listening((socket, head) => {
        let received = head;
        const answer = () => {
            if (received.length !== received.indexOf("\r\n\r\n") + 4 + 100_000)
                return;
            sent.push(received);
            socket.end("HTTP/1.1 200 OK\r\n\r\nok");
        };
        socket.on("data", (piece) => {
            received += piece.toString("latin1");
            answer();
        });
        answer();
    });
    const deps = { agent: new Agent(), workload: workloadAddress(url), maxAnswer: 1_000, ...BODIES };
    const ask = (blob) => replay({ ...REQUEST, method: "PUT", body: { blob, bytes: 100_000 } }, [], deps, new AbortController().signal);
    assert.equal((await ask("whole")).body, "ok");
    assert.match(sent[0] ?? "", /content-length: 100000\r\n[^]*\r\n\r\na{70000}b{30000}$/);
    await assert.rejects(ask("gone"), { code: "no-such-blob" });
    await assert.rejects(ask("short"), { code: "no-such-blob", message: /10 bytes of 100000/ });
    await closed(sockets);
    workload.close();
});
test("an answer that comes before all of the request was read is the answer", async () => {
    async function* endless() {
        for (;;)
            yield Buffer.alloc(65_536);
    }
    const { sockets, workload, url } = await listening((socket) => {
        socket.pause();
        socket.write("HTTP/1.1 413 Content Too Large\r\nContent-Length: 2\r\n\r\nno");
    });
    const deps = { agent: new Agent({ keepAlive: true }), workload: workloadAddress(url), maxAnswer: 1_000 };
    const { status, body } = await replay({ ...REQUEST, method: "PUT", body: { blob: "x", bytes: 1e12 } }, [], { ...deps, ...BODIES, readBody: endless }, new AbortController().signal);
    assert.deepEqual([status, body], [413, "no"]);
    for (const socket of sockets)
        socket.resume();
    await closed(sockets);
    workload.close();
});
test("a large answer is kept as it comes, whole; one that breaks off, or cannot be kept, is none", async () => {
    for (const [length, keep, code] of [
        [200_000, BODIES.keepBody, ""],
        [300_000, BODIES.keepBody, "no-answer"],
        [200_000, async () => Promise.reject(new OutriggerError("blob-not-kept", "full")), "blob-not-kept"],
    ]) {
        const { workload, url } = await listening((socket) => socket.end(`HTTP/1.1 200 OK\r\nContent-Length: ${length}\r\n\r\n${"x".repeat(200_000)}`));
        const deps = { agent: new Agent(), workload: workloadAddress(url), maxAnswer: 1_000_000 };
        const answer = replay(REQUEST, [], { ...deps, ...BODIES, keepBody: keep }, new AbortController().signal);
        if (code !== "")
            await assert.rejects(answer, { code });
        else
            assert.equal((await answer).body, "x".repeat(200_000));
        workload.close();
    }
});
/** A workload that does that to each connection when something is asked on it. */
async function listening(behave) {
    const sockets = [];
    const workload = createServer((socket) => {
        sockets.push(socket);
        socket.on("error", () => { });
        socket.once("data", (first) => behave(socket, first.toString("latin1")));
    });
    await new Promise((resolve) => workload.listen(0, "127.0.0.1", () => resolve()));
    return { sockets, workload, url: `http://127.0.0.1:${workload.address().port}` };
}
async function closed(sockets) {
    for (const socket of sockets)
        if (!socket.closed)
            await new Promise((resolve) => socket.once("close", resolve));
}
//# sourceMappingURL=replay.test.js.map