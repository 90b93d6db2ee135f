import assert from "node:assert/strict";
import { test } from "node:test";
import { waitPreference } from "./prefer.js";
test("wait of Prefer is read wherever it stands, and nothing else is", () => {
    for (const [prefer, expected] of [
        [undefined, 0],
        ["wait=10", 10_000],
        ["respond-async, wait=2", 2_000],
        ['Wait = "3"; x', 3_000],
        ["wait=999999", 3_600_000],
        ["nowait=5", 0],
        ["wait=-1", 0],
        ["wait=1e9", 0],
        ["wait", 0],
        ["", 0],
    ])
        assert.equal(waitPreference(prefer), expected, prefer);
});
//# sourceMappingURL=prefer.test.js.map