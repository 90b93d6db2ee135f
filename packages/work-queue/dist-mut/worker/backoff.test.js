import assert from "node:assert/strict";
import { test } from "node:test";
import { pauseAfter } from "./backoff.js";
test("the longest pause doubles with each attempt up to its limit, and any shorter one may be drawn", () => {
    const longest = (attempt) => pauseAfter(attempt, 1_000, 60_000, () => 1);
    assert.deepEqual([1, 2, 3, 6, 7, 5_000].map(longest), [1_000, 2_000, 4_000, 32_000, 60_000, 60_000]);
    assert.equal(pauseAfter(3, 1_000, 60_000, () => 0), 0);
    assert.equal(pauseAfter(3, 1_000, 60_000, () => 0.5), 2_000);
});
//# sourceMappingURL=backoff.test.js.map