import assert from "node:assert/strict";
import { test } from "node:test";
import { signature } from "./signature.js";
test("a signature is the HMAC-SHA256 of the seconds, a dot and the body", () => {
    // printf '1700000000.{"id":"1"}' | openssl dgst -sha256 -hmac key
    assert.equal(signature("key", 1_700_000_000_999, '{"id":"1"}'), "t=1700000000,v1=9e040cb90cefc5a04ab9a9848a74e2ff0489b4d8837b38d54555cb67e4f8e76e");
});
test("another key, time or body has another", () => {
    const all = [
        signature("key", 1_000, "body"),
        signature("kez", 1_000, "body"),
        signature("key", 2_000, "body"),
        signature("key", 1_000, "bodz"),
    ];
    assert.equal(new Set(all.map((one) => one.split("v1=")[1])).size, 4);
});
//# sourceMappingURL=signature.test.js.map