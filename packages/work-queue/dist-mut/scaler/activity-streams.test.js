/** Whoever is told of changes, and does not read. */
import assert from "node:assert/strict";
import { EventEmitter } from "node:events";
import { test } from "node:test";
import { ActivityStreams } from "./activity-streams.js";
class Stream extends EventEmitter {
    told = [];
    cancelled = false;
    isFull = false;
    isEnded = false;
    write({ result }) {
        this.told.push(result);
        return !this.isFull;
    }
    end() {
        this.isEnded = true;
    }
}
const added = (streams, stream = new Stream()) => {
    streams.add(stream);
    return stream;
};
test("whoever does not read is told no more, and what is so then when it reads again", () => {
    let isActive = false;
    const streams = new ActivityStreams(() => isActive);
    const slow = new Stream();
    slow.isFull = true;
    added(streams, slow);
    for (let change = 0; change < 1_001; change++) {
        isActive = !isActive;
        streams.changed();
    }
    assert.deepEqual(slow.told, [false]);
    slow.isFull = false;
    slow.emit("drain");
    assert.deepEqual(slow.told, [false, true]);
});
test("whoever has gone, before it came or afterwards, is forgotten", () => {
    const streams = new ActivityStreams(() => true);
    const gone = new Stream();
    gone.cancelled = true;
    added(streams, gone);
    assert.deepEqual([streams.count, gone.told], [0, []]);
    added(streams).emit("cancelled");
    added(streams).emit("error", new Error("reset"));
    assert.equal(streams.count, 0);
});
test("all end at the end", () => {
    const streams = new ActivityStreams(() => null);
    const stream = added(streams);
    streams.end();
    assert.deepEqual([stream.isEnded, stream.told, streams.count], [true, [], 0]);
});
//# sourceMappingURL=activity-streams.test.js.map