/** What callers are told where the backend fails between a job's end and its answer. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { createMetrics, OutriggerError } from "@outrigger/core";
import { VirtualClock } from "@outrigger/core/testing";
import { Front } from "./front.js";
import { FrontMetrics } from "./front-metrics.js";
const ID = "0123456789abcdef0123456789abcdef";
const DONE = {
    id: ID,
    state: "done",
    attempts: 1,
    answer: { status: 200, fields: [], body: { blob: `${ID}-1`, bytes: 100_000 } },
    failure: null,
};
function frontOf(code) {
    const unread = {
        async *read() {
            yield await Promise.reject(new OutriggerError(code, "the folder is not there"));
        },
    };
    const store = {
        depth: { unfinished: 0, bytes: 0, added: () => { } },
        bodies: unread,
        add: async () => ({ id: ID, isKnown: false }),
        find: async () => DONE,
    };
    const waits = { ended: async () => DONE };
    return new Front({ maxBody: 1_000_000, maxDepth: 10, maxBytes: 1_000_000, rules: [] }, {
        queue: () => ({ store, waits }),
        clock: new VirtualClock(),
        metrics: new FrontMetrics(createMetrics(), () => 0),
    });
}
async function told(front, method, target) {
    let answered = [0, ""];
    await front.handle({
        ...{ method, target, length: 0, status: 0, active: true },
        headText: `${method} ${target} HTTP/1.1\r\nhost: x\r\nprefer: wait=10\r\n\r\n`,
        wholeBody: async () => Buffer.alloc(0),
        answer: (status, _fields, body) => void (answered = [status, body]),
    });
    return answered;
}
test("a done job whose answer cannot be read now is kept: its caller is told so, not to send it again", async () => {
    const front = frontOf("blob-not-read");
    const [status, body] = await told(front, "POST", "/work");
    assert.deepEqual([status, JSON.parse(body)], [202, { id: ID, state: "done", location: `/jobs/${ID}` }]);
    assert.equal((await told(front, "GET", `/jobs/${ID}/result`))[0], 503);
});
test("an answer that is gone for good is said to be", async () => {
    assert.equal((await told(frontOf("no-such-blob"), "GET", `/jobs/${ID}/result`))[0], 410);
});
//# sourceMappingURL=front.test.js.map