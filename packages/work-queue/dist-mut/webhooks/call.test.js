/** One call, to a receiver that does as it likes. */
import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import dns from "node:dns";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { syncBuiltinESMExports } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, beforeEach, mock, test } from "node:test";
import { OutriggerError } from "@outrigger/core";
import { Receiver } from "../testing/receiver.js";
import { callWebhook } from "./call.js";
const scratch = mkdtempSync(join(tmpdir(), "outrigger-call-"));
const secretFile = join(scratch, "key");
const receiver = await Receiver.start();
after(async () => {
    await receiver.end();
    rmSync(scratch, { recursive: true, force: true });
});
beforeEach(() => {
    writeFileSync(secretFile, "key\n");
    receiver.told.length = 0;
    receiver.answer = (response) => void response.end();
});
const BODY = '{"id":"ü"}';
const call = (options = {}, signal = new AbortController().signal) => callWebhook(options.url ?? receiver.url, "one", BODY, { secretFile: options.secretFile ?? secretFile, caFile: undefined, wallTime: () => 1_700_000_000_000 }, signal);
const why = async (called) => {
    const thrown = await called.then(() => assert.fail("it was told"), (error) => OutriggerError.from(error));
    assert.equal(thrown.code, "not-told");
    return thrown.message;
};
test("whoever is told can check by the key in the file that it is us; a changed key counts at once", async () => {
    for (const key of ["key", "other"]) {
        writeFileSync(secretFile, `${key}\r\n`);
        await call();
        const { method, path, headers, text } = receiver.told.at(-1) ?? assert.fail();
        assert.deepEqual([method, path, headers["content-type"], headers["outrigger-job"], text], [...["POST", "/hook?x=1", "application/json", "one", BODY]]);
        const [, t, v1] = /^t=(\d+),v1=([0-9a-f]{64})$/.exec(String(headers["outrigger-signature"])) ?? [];
        assert.equal(t, "1700000000");
        assert.equal(v1, createHmac("sha256", key).update(`${t}.${text}`).digest("hex"));
    }
});
test("2xx is told, all else is not, and no redirect is followed", async () => {
    for (const status of [200, 202, 204, 299]) {
        receiver.answer = (response) => void response.writeHead(status).end();
        await call();
    }
    for (const status of [301, 307, 400, 404, 410, 429, 500, 503]) {
        receiver.told.length = 0;
        receiver.answer = (response) => void response.writeHead(status, { location: receiver.url }).end("why");
        assert.equal(await why(call()), `it answered ${status}`);
        assert.equal(receiver.told.length, 1);
    }
});
test("an answer without an end is as good as one with it, and none is none", async () => {
    receiver.answer = (response) => void response.writeHead(200).write("x".repeat(100_000));
    await call();
    receiver.answer = (response) => void response.socket?.destroy();
    assert.match(await why(call()), /socket hang up/);
    receiver.answer = (response) => void response.socket?.end("HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n");
    assert.match(await why(call()), /without an answer|101/);
    receiver.answer = (response) => void response.socket?.end("nonsense\r\n\r\n");
    assert.match(await why(call()), /Parse Error/);
    assert.match(await why(call({ url: "http://127.0.0.1:1/" })), /ECONNREFUSED/);
});
test("without a key nobody is told: no file, an empty one, and the name of it", async () => {
    const missing = join(scratch, "missing");
    assert.match(await why(call({ secretFile: missing })), new RegExp(`^${missing} cannot be read: ENOENT`));
    writeFileSync(secretFile, "\n");
    assert.equal(await why(call()), `${secretFile} is empty: a signature needs a key`);
    assert.equal(receiver.told.length, 0);
});
test("a name that leads to a link-local address is not called", async () => {
    const found = [{ address: "169.254.169.254", family: 4 }];
    const lookup = mock.method(dns, "lookup", (_name, _options, told) => told(null, found));
    syncBuiltinESMExports();
    try {
        assert.match(await why(call({ url: "http://metadata.example/" })), /metadata\.example: a link-local address/);
    }
    finally {
        lookup.mock.restore();
        syncBuiltinESMExports();
    }
});
test("one that does not answer is cut by the signal, with its reason", async () => {
    const over = new AbortController();
    receiver.answer = () => over.abort(new OutriggerError("not-told", "too slow"));
    assert.equal(await why(call({}, over.signal)), "too slow");
});
//# sourceMappingURL=call.test.js.map