import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { readBody, storeBody } from "./body.js";
test("a body is text where it is text, and comes back byte for byte", () => {
    assert.equal(storeBody(Buffer.from("ü\u{1f600}\r\n")), "ü\u{1f600}\r\n");
    for (const bytes of ["a\0b", "\xff", "\xed\xa0\x80"])
        assert.equal(typeof storeBody(Buffer.from(bytes, "latin1")), "object", JSON.stringify(bytes));
    fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        const stored = JSON.parse(JSON.stringify(storeBody(Buffer.from(bytes))));
        assert.deepEqual(readBody(stored), Buffer.from(bytes));
    }));
});
//# sourceMappingURL=body.test.js.map