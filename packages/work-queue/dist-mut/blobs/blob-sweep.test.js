import assert from "node:assert/strict";
import { test } from "node:test";
import { silentLogger } from "@outrigger/core";
import { VirtualClock } from "@outrigger/core/testing";
import { BlobSweep } from "./blob-sweep.js";
const MINUTE = 60_000;
test("every ten minutes blobs go that were not written to for an hour, and have no job", async () => {
    const clock = new VirtualClock();
    const asked = [];
    const removed = [];
    let away = false;
    const blobs = {
        async *untouched(span) {
            asked.push(span);
            if (away)
                throw new Error("away");
            yield* ["kept", "kept-answer1", "gone", "gone-answer1"];
        },
        remove: async (id) => void removed.push(id),
    };
    const sweep = new BlobSweep({ blobs, clock, log: silentLogger, hasJob: async (id) => id === "kept" });
    const pass = async (span) => {
        clock.advance(span);
        // What was begun is done.
        await new Promise((resolve) => setImmediate(resolve));
    };
    sweep.start();
    await pass(9 * MINUTE);
    assert.deepEqual(asked, []);
    await pass(MINUTE);
    assert.deepEqual([asked, removed], [[60 * MINUTE], ["gone", "gone-answer1"]]);
    away = true;
    await pass(10 * MINUTE);
    away = false;
    await pass(10 * MINUTE);
    assert.deepEqual([asked.length, removed.length], [3, 4]);
    sweep.stop();
    await pass(60 * MINUTE);
    assert.equal(asked.length, 3);
});
//# sourceMappingURL=blob-sweep.test.js.map