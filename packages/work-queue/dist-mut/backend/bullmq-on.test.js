import assert from "node:assert/strict";
import { test } from "node:test";
import { readOn } from "./bullmq-on.js";
test("events whose reading could not begin are read from when it can", async () => {
    const told = [];
    const away = new Error("the backend is away");
    let tries = 0;
    const events = {
        closing: undefined,
        async run() {
            if (++tries < 3)
                throw away;
            // BullMQ's returns when it is closed.
            events.closing = Promise.resolve();
        },
        listenerCount: () => 1,
        emit: (_event, error) => told.push(error) > 0,
    };
    // Its pauses keep no process from ending.
    const alive = setInterval(() => { }, 1_000);
    await readOn(events);
    clearInterval(alive);
    assert.deepEqual([tries, told], [3, [away, away]]);
});
//# sourceMappingURL=bullmq-on.test.js.map