import assert from "node:assert/strict";
import { test } from "node:test";
import { retryAfter } from "./retry-after.js";
test("seconds and dates are read, up to five minutes; what is neither is nothing", () => {
    const now = Date.UTC(2026, 10, 22, 5);
    for (const [value, span] of [
        ["3", 3_000],
        [" 0 ", 0],
        ["86400", 300_000],
        ["Sun, 22 Nov 2026 05:00:20 GMT", 20_000],
        ["Sun, 22 Nov 2026 04:00:00 GMT", 0],
        ["Sun, 22 Nov 2027 04:00:00 GMT", 300_000],
        ["soon", 0],
        ["-1", 0],
        ["", 0],
        [undefined, 0],
    ])
        assert.equal(retryAfter(value, now), span, value);
});
//# sourceMappingURL=retry-after.test.js.map