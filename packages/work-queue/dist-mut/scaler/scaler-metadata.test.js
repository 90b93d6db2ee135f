import assert from "node:assert/strict";
import { test } from "node:test";
import { parseScalerMetadata } from "./scaler-metadata.js";
test("targetSize is a whole number, 10 where nothing is said; what is KEDA's own is its own", () => {
    assert.equal(parseScalerMetadata({}).targetSize, 10);
    assert.equal(parseScalerMetadata({ targetSize: "1" }).targetSize, 1);
    const kedas = { scalerAddress: "front.default:14042", enableTLS: "false", caCert: "" };
    assert.equal(parseScalerMetadata({ ...kedas, targetSize: "9999999" }).targetSize, 9_999_999);
});
test("all else is refused, all at once, and no more is said of it than a line holds", () => {
    for (const targetSize of ["", "0", "-1", "1.5", "1e3", " 1", "0x10", "10000000", "NaN", "١"])
        assert.throws(() => parseScalerMetadata({ targetSize }), /targetSize is ".*": accepted: jobs for each/);
    for (const key of ["TargetSize", "queue", "", "constructor", "toString"])
        assert.throws(() => parseScalerMetadata({ [key]: "1" }), /is not known: accepted: targetSize; remove it/);
    const many = Object.fromEntries(Array.from({ length: 500 }, (_, at) => [`${at}${"k".repeat(500)}`, "x"]));
    assert.throws(() => parseScalerMetadata({ ...many, targetSize: "x".repeat(10_000) }), ({ message }) => message.length < 1_000);
});
//# sourceMappingURL=scaler-metadata.test.js.map