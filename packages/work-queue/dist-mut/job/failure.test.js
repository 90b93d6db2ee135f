import assert from "node:assert/strict";
import { test } from "node:test";
import { formatFailure, parseFailure } from "./failure.js";
test("a failure comes back as it was kept", () => {
    const failure = {
        reason: "refused",
        message: "the workload answered 422",
        answer: { status: 422, fields: [["a", "b"]], body: "no" },
    };
    assert.deepEqual(parseFailure(formatFailure(failure)), failure);
});
test("what BullMQ says by itself has a reason, too", () => {
    assert.equal(parseFailure("job stalled more than allowable limit").reason, "stalled");
    for (const text of ["", "null", "{}", "[1]", '"x"', "Unexpected token"])
        assert.deepEqual(parseFailure(text), { reason: "unreadable", message: text });
});
//# sourceMappingURL=failure.test.js.map