/** The scaler as KEDA sees it, and as whoever means it ill does. */
import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { connect as connectHttp2 } from "node:http2";
import { connect } from "node:net";
import { createInterface } from "node:readline";
import { afterEach, beforeEach, test } from "node:test";
import { fileURLToPath } from "node:url";
import { status } from "@grpc/grpc-js";
import { createMetrics, silentLogger } from "@outrigger/core";
import { eventually } from "@outrigger/core/testing";
import { hasTold, ref, ScalerClient } from "../testing/scaler-client.js";
import { METRIC_NAME, Scaler } from "./scaler.js";
let toDo;
let metrics;
let scaler;
let address;
let client;
beforeEach(async () => {
    toDo = 0;
    metrics = createMetrics();
    scaler = new Scaler({ host: "127.0.0.1", port: 0 }, { log: silentLogger, metrics, toDo: () => toDo });
    await scaler.start();
    address = scaler.addresses[0];
    client = new ScalerClient(address);
});
afterEach(async () => {
    client.close();
    await scaler.drain(AbortSignal.abort());
});
const change = (to) => {
    toDo = to;
    scaler.changed();
};
const port = () => Number(address.slice(address.lastIndexOf(":") + 1));
const stillAnswers = async () => assert.deepEqual(await client.call("IsActive", ref()), { result: (toDo ?? 0) > 0 });
test("it says how many jobs there are, of which each worker is to have targetSize", async () => {
    toDo = 42;
    assert.deepEqual(await client.call("IsActive", ref()), { result: true });
    assert.deepEqual(await client.call("GetMetricSpec", ref()), {
        metricSpecs: [{ metricName: METRIC_NAME, targetSize: 10, targetSizeFloat: 10 }],
    });
    assert.deepEqual(await client.call("GetMetricSpec", ref({ scalerAddress: "q:1", targetSize: "7" })), {
        metricSpecs: [{ metricName: METRIC_NAME, targetSize: 7, targetSizeFloat: 7 }],
    });
    assert.deepEqual(await client.call("GetMetrics", { scaledObjectRef: ref(), metricName: METRIC_NAME }), {
        metricValues: [{ metricName: METRIC_NAME, metricValue: 42, metricValueFloat: 42 }],
    });
    toDo = 0;
    assert.deepEqual(await client.call("IsActive", ref()), { result: false });
});
test("metadata that it does not know is refused with the key and what is accepted, by each call", async () => {
    const calls = [
        ["IsActive", ref({ targetsize: "1", targetSize: "0" })],
        ["GetMetricSpec", ref({ targetsize: "1", targetSize: "0" })],
        ["GetMetrics", { scaledObjectRef: ref({ targetsize: "1", targetSize: "0" }), metricName: METRIC_NAME }],
    ];
    for (const [name, request] of calls) {
        const { code, details } = (await client.call(name, request));
        assert.equal(code, status.INVALID_ARGUMENT);
        assert.match(details, /"targetsize" is not known: accepted: targetSize/);
        assert.match(details, /targetSize is "0": accepted: jobs for each worker, a whole number from 1 to/);
    }
    assert.equal(await client.watch({ targetsize: "1" }).ended, status.INVALID_ARGUMENT);
    assert.equal(scaler.inFlight(), 0);
    const other = await client.call("GetMetrics", { scaledObjectRef: ref(), metricName: "other" });
    assert.deepEqual(other, { code: status.INVALID_ARGUMENT, details: `metricName: accepted: ${METRIC_NAME}` });
});
test("what is not known is UNAVAILABLE, never 0; how jobs are shared out is known all the same", async () => {
    toDo = null;
    for (const [name, request] of [
        ["IsActive", ref()],
        ["GetMetrics", { scaledObjectRef: ref(), metricName: METRIC_NAME }],
    ])
        assert.deepEqual(await client.call(name, request), {
            code: status.UNAVAILABLE,
            details: "the queue's backend has not said how many jobs there are",
        });
    assert.ok("metricSpecs" in (await client.call("GetMetricSpec", ref())));
});
test("a stream is told what is so at once, then each change, and no change twice", async () => {
    const watched = client.watch();
    await hasTold(watched, false);
    for (const to of [0, 3, 4, 3, 0, 0, 1])
        change(to);
    await hasTold(watched, false, true, false, true);
    const other = client.watch();
    await hasTold(other, true);
    watched.cancel();
    assert.equal(await watched.ended, status.CANCELLED);
    await eventually("it is forgotten", () => scaler.inFlight() === 1);
});
test("while it is not known nothing is said, and the stream stays for when it is", async () => {
    change(1);
    const watched = client.watch();
    await hasTold(watched, true);
    change(null);
    const early = client.watch();
    await eventually("it is there", () => scaler.inFlight() === 2);
    change(1);
    await hasTold(early, true);
    change(0);
    await hasTold(watched, true, false);
    await hasTold(early, true, false);
});
test("a drain ends streams and connections well, and nothing is left open", async () => {
    const watched = client.watch();
    await hasTold(watched, false);
    assert.equal(scaler.connections(), 1);
    assert.equal(await scaler.drain(new AbortController().signal), 0);
    assert.equal(await watched.ended, status.OK);
    assert.deepEqual([scaler.connections(), scaler.inFlight()], [0, 0]);
    client.close();
    await eventually("no socket is open", () => !process.getActiveResourcesInfo().some((one) => /TCP/.test(one)));
});
test("a drain cuts whoever does not read to the end, when its time is up", async () => {
    // No byte of an answer fits.
    const session = connectHttp2(`http://${address}`, { settings: { initialWindowSize: 0 } });
    session.on("error", () => { });
    const stream = session.request(askedAs("StreamIsActive"));
    stream.on("error", () => { });
    stream.end(Buffer.alloc(5));
    await eventually("it is there", () => scaler.inFlight() === 1);
    const limit = new AbortController();
    const drained = scaler.drain(limit.signal);
    await new Promise((resolve) => setImmediate(resolve));
    assert.equal(scaler.connections(), 1);
    limit.abort();
    assert.equal(await drained, 1);
    assert.equal(scaler.connections(), 0);
});
/** A call as bare HTTP/2 has it. */
const askedAs = (name) => ({
    ":method": "POST",
    ":path": `/externalscaler.ExternalScaler/${name}`,
    "content-type": "application/grpc",
    te: "trailers",
});
test("what is no gRPC is told so, and harms nobody else", async () => {
    const preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
    const settings = "\0\0\0\x04\0\0\0\0\0";
    for (const garbage of [
        "GET / HTTP/1.1\r\nhost: x\r\n\r\n",
        "\0".repeat(70_000),
        `${preface}\xff\xff\xff\x01\xff\xff\xff\xff\xff`,
        // A frame of a length that is not allowed; a HEADERS frame that is no HPACK; DATA of no stream.
        `${preface}${settings}\x7f\xff\xff\0\0\0\0\0\x01`,
        `${preface}${settings}\0\0\x04\x01\x04\0\0\0\x01\xff\xff\xff\xff`,
        `${preface}${settings}\0\0\x01\0\x01\0\0\0\x01x`,
    ]) {
        const socket = connect(port(), "127.0.0.1");
        socket.on("error", () => { });
        socket.write(garbage, "latin1");
        // Its settings, and that it goes. Not every Node closes at once.
        await once(socket, "data");
        socket.destroy();
    }
    await stillAnswers();
});
test("a call that is no call of ours, or too large, is refused, and the connection goes on", async () => {
    const session = connectHttp2(`http://${address}`);
    session.on("error", () => { });
    const asked = async (fields, body) => {
        const stream = session.request({ ...askedAs("IsActive"), ...fields });
        let told = {};
        stream.on("response", (headers) => (told = { ...told, ...headers }));
        stream.on("trailers", (headers) => (told = { ...told, ...headers }));
        stream.on("error", (error) => (told["error"] = error.message));
        stream.resume();
        stream.end(body);
        await new Promise((resolve) => stream.once("close", resolve));
        return String(told["grpc-status"] ?? told["error"] ?? told[":status"]);
    };
    const message = (bytes, flag = 0) => {
        const head = Buffer.from([flag, 0, 0, 0, 0]);
        head.writeUInt32BE(bytes.length, 1);
        return Buffer.concat([head, bytes]);
    };
    assert.equal(await asked({}, message(Buffer.alloc(0))), "0");
    assert.equal(await asked({}, message(Buffer.from([0xff, 0xff, 0xff]))), `${status.INTERNAL}`);
    assert.equal(await asked({}, message(Buffer.alloc(70_000, 10))), `${status.RESOURCE_EXHAUSTED}`);
    assert.equal(await asked({ ":path": "/externalscaler.ExternalScaler/Other" }, message(Buffer.alloc(0))), `${status.UNIMPLEMENTED}`);
    assert.equal(await asked({ "content-type": "text/plain" }, Buffer.alloc(0)), "415");
    assert.equal(await asked({}, message(Buffer.alloc(0))), "0");
    assert.equal(session.remoteSettings.maxConcurrentStreams, 200);
    session.close();
    const large = connectHttp2(`http://${address}`);
    large.on("error", () => { });
    const stream = large.request({ ":method": "POST", ":path": "/x", big: "x".repeat(200_000) });
    stream.on("error", () => { });
    stream.end();
    await new Promise((resolve) => stream.once("close", resolve));
    large.destroy();
    await stillAnswers();
});
test("streams and connections have a bound each; beyond it calls are answered as ever", async () => {
    const crowd = Array.from({ length: 10 }, () => new ScalerClient(address));
    const streams = crowd.flatMap((one) => Array.from({ length: 100 }, () => one.watch()));
    let refused = 0;
    const TOO_MANY = status.RESOURCE_EXHAUSTED;
    for (const { ended } of streams)
        void ended.then((code) => {
            if (code === TOO_MANY)
                refused++;
        });
    await eventually("all have an answer", () => refused === 900);
    assert.equal(scaler.inFlight(), 100);
    await stillAnswers();
    change(1);
    await eventually("all are told", () => streams.filter(({ told }) => told.join() === "false,true").length === 100);
    for (const one of streams)
        one.cancel();
    for (const one of crowd)
        one.close();
    await eventually("they are forgotten", () => scaler.inFlight() === 0 && scaler.connections() === 1);
    const sockets = [];
    let closed = 0;
    for (let index = 0; index < 150; index++) {
        const socket = connect(port(), "127.0.0.1");
        socket.on("error", () => { });
        socket.once("close", () => closed++);
        sockets.push(socket);
    }
    // 99 beside the client's own.
    await eventually("those beyond are closed", () => closed === 51);
    await stillAnswers();
    for (const socket of sockets)
        socket.destroy();
    const { body } = await metrics.expose();
    assert.match(body, /outrigger_queue_scaler_calls_total\{outcome="too-many"\} 900/);
});
const PYTHON = ["python3", "/usr/bin/python3"].find((python) => spawnSync(python, ["-c", "import grpc"]).status === 0);
test("another implementation of gRPC reads it as its own does", { skip: PYTHON === undefined && "python3 has no grpc: apt-get install python3-grpcio" }, async () => {
    toDo = 5;
    const script = fileURLToPath(new URL("../../src/testing/scaler-client.py", import.meta.url));
    const python = spawn(PYTHON, [script, address], {
        stdio: ["ignore", "pipe", "inherit"],
        timeout: 60_000,
    });
    const lines = [];
    for await (const line of createInterface({ input: python.stdout })) {
        lines.push(line);
        if (line === "told 0801")
            change(0);
        else if (line.startsWith("told"))
            void scaler.drain(new AbortController().signal);
    }
    const name = `0a14${Buffer.from(METRIC_NAME).toString("hex")}`;
    assert.deepEqual(lines, [
        "0801",
        // int64 7 and double 7.
        `0a21${name}1007190000000000001c40`,
        `0a21${name}1005190000000000001440`,
        `INVALID_ARGUMENT: the trigger's metadata: targetSize is "many": accepted: jobs for each worker, a whole number from 1 to 9999999, in quotes`,
        lines[4],
        lines[5],
        "told 0801",
        // proto3 writes no false.
        lines[7],
        "ended",
    ]);
    assert.match(lines[4], /^INTERNAL: /);
    assert.match(lines[5], /^UNIMPLEMENTED: /);
    assert.match(lines[7], /^told (0800)?$/);
});
//# sourceMappingURL=scaler.test.js.map