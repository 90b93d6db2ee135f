import assert from "node:assert/strict";
import { test } from "node:test";
import { verdictOn } from "./verdict.js";
test("what may be otherwise the next time is tried again, and nothing else", () => {
    for (const status of [408, 425, 429, 500, 502, 503, 504, 599])
        assert.equal(verdictOn(status), "again");
    for (const status of [400, 401, 404, 409, 413, 422])
        assert.equal(verdictOn(status), "refused");
    for (const status of [200, 202, 204, 301, 304])
        assert.equal(verdictOn(status), "done");
});
//# sourceMappingURL=verdict.test.js.map