import assert from "node:assert/strict";
import { test } from "node:test";
import { inputName, jobOfFile } from "./job-names.js";
import { mediaType } from "./media-type.js";
const ID = "0123456789abcdef0123456789abcdef";
test("an input ends as the last segment of its request's path does, where that is plain", () => {
    for (const [target, ending] of [
        ["/photo.JPG", ".jpg"],
        ["/a.b/c.tar.gz?x=y.png", ".gz"],
        ["/photo.jpg/", ""],
        ["/a.b/c", ""],
        ["/.profile", ""],
        ["/x.", ""],
        ["/x.j-p", ""],
        ["/x.%2e%2e", ""],
        [`/x.${"a".repeat(16)}`, `.${"a".repeat(16)}`],
        [`/x.${"a".repeat(17)}`, ""],
        ["/x.png#.txt", ".png"],
        ["", ""],
    ])
        assert.equal(inputName(ID, target), `${ID}${ending}`, target);
});
test("what is no id of a job is no name of a file", () => {
    for (const id of ["../x", "", "a", ID.toUpperCase(), `${ID}0`, `.${ID}`, `${ID}.a`])
        assert.throws(() => inputName(id, "/"), RangeError, id);
});
test("a file is its job's by its name, followed by nothing, a dot or a dash", () => {
    for (const name of [ID, `${ID}.txt`, `${ID}-1.txt`, `.${ID}.txt.part`, `${ID}.`])
        assert.equal(jobOfFile(name), ID, name);
    for (const name of [`${ID}0`, `x${ID}`, `${ID}_1`, `..${ID}`, ID.toUpperCase(), "notes.txt", ".", ""])
        assert.equal(jobOfFile(name), null, name);
});
test("a media type follows from how a name ends, and is that of any bytes where nobody knows", () => {
    assert.deepEqual(["a.png", "a.b.JSON", "a", "a.toString", "a.", "png"].map(mediaType), [
        ...["image/png", "application/json", "application/octet-stream", "application/octet-stream"],
        ...["application/octet-stream", "application/octet-stream"],
    ]);
});
//# sourceMappingURL=job-names.test.js.map