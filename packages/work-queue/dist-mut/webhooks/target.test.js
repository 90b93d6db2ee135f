import assert from "node:assert/strict";
import { test } from "node:test";
import { isLinkLocal, problemOfTarget, resolveTarget } from "./target.js";
test("a target is a URL of http or https, without a user, and no link-local address however it is written", () => {
    for (const text of [
        "http://hooks/x?y=1",
        "https://hooks.example:8443/",
        "http://10.0.0.1",
        "http://[::1]:1/",
    ])
        assert.equal(problemOfTarget(text), null, text);
    for (const text of ["", "hooks", "ftp://h/", "http://u:p@h/", "http://h/#x", "unix:/x", "http://"])
        assert.match(problemOfTarget(text) ?? "", /accepted: http:\/\/HOST/, text);
    for (const host of [
        "169.254.169.254",
        "2852039166",
        "0xa9fea9fe",
        "169.254.1",
        "[fe80::1]",
        "[::ffff:169.254.1.1]",
    ])
        assert.match(problemOfTarget(`http://${host}/`) ?? "", /link-local/, host);
});
test("link-local is 169.254.0.0/16 and fe80::/10", () => {
    for (const address of ["169.254.0.0", "169.254.255.255", "fe80::", "febf::1", "::ffff:169.254.7.7"])
        assert.ok(isLinkLocal(address), address);
    for (const address of ["169.253.255.255", "169.255.0.0", "127.0.0.1", "fec0::", "fe7f::1", "::1"])
        assert.ok(!isLinkLocal(address), address);
});
test("a name that leads to a link-local address is not gone to, one that leads elsewhere is", async () => {
    const resolved = (name, all) => new Promise((resolve) => resolveTarget(name, { all }, (error, address) => resolve(error === null ? address : error.message)));
    for (const all of [true, false]) {
        assert.match((await resolved("169.254.169.254", all)), /169\.254\.169\.254: a link-local address/);
        assert.match((await resolved("fe80::1", all)), /a link-local address/);
    }
    assert.equal(await resolved("127.0.0.1", false), "127.0.0.1");
    assert.deepEqual(await resolved("127.0.0.1", true), [{ address: "127.0.0.1", family: 4 }]);
    assert.match((await resolved("name.invalid", true)), /name\.invalid/);
});
//# sourceMappingURL=target.test.js.map