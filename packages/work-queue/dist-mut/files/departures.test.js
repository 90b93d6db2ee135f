import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { eventually, VirtualClock } from "@outrigger/core/testing";
import { Departures } from "./departures.js";
const scratch = mkdtempSync(join(tmpdir(), "outrigger-departures-"));
after(() => rmSync(scratch, { recursive: true, force: true }));
function folder(name, ...files) {
    const path = join(scratch, name);
    mkdirSync(path);
    for (const file of files)
        writeFileSync(join(path, file), "");
    return path;
}
const never = new AbortController().signal;
test("a file that goes is told at once, each to whoever waits for it", async () => {
    const path = folder("events", "a", "b");
    const clock = new VirtualClock();
    const departures = new Departures(path, clock);
    const gone = [];
    const waits = ["a", "a", "b"].map((name) => departures.gone(name, never).then(() => gone.push(name)));
    rmSync(join(path, "a"));
    await eventually("it is told", () => gone.length === 2);
    assert.deepEqual(gone, ["a", "a"]);
    renameSync(join(path, "b"), join(path, "c"));
    await Promise.all(waits);
    assert.equal(clock.pendingTimers, 0);
});
test("one that is not there is gone, and so is each of a folder that is not there", async () => {
    await new Departures(folder("empty"), new VirtualClock()).gone("x", never);
    await new Departures(join(scratch, "none"), new VirtualClock()).gone("x", never);
});
test("where the system tells of nothing a look each second does", async () => {
    const [former, path] = [folder("former", "a"), folder("latter", "a")];
    const link = join(scratch, "link");
    symlinkSync(former, link);
    const clock = new VirtualClock();
    const departures = new Departures(link, clock);
    let gone = false;
    const wait = departures.gone("a", never).then(() => (gone = true));
    // What is watched is the former.
    symlinkSync(path, `${link}.new`);
    renameSync(`${link}.new`, link);
    rmSync(join(path, "a"));
    // Where its first look came after that, it need not wait for the next.
    await eventually("it is told", () => {
        clock.advance(1_000);
        return gone;
    });
    await wait;
});
test("who is not to wait any more is told why, and nothing of it stays", async () => {
    const clock = new VirtualClock();
    const departures = new Departures(folder("aborted", "a"), clock);
    const controller = new AbortController();
    const wait = departures.gone("a", controller.signal);
    controller.abort(new Error("enough"));
    await assert.rejects(wait, /enough/);
    await assert.rejects(departures.gone("a", controller.signal), /enough/);
    assert.equal(clock.pendingTimers, 0);
});
//# sourceMappingURL=departures.test.js.map