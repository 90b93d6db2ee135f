/** A new folder's database: whole or not there, whenever its maker was killed. */
import assert from "node:assert/strict";
import { fork } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync, } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { silentLogger } from "@outrigger/core";
import { openBackend } from "../open-backend.js";
import { makeDatabase } from "./new-database.js";
const scratch = mkdtempSync(join(tmpdir(), "outrigger-new-database-"));
after(() => rmSync(scratch, { recursive: true, force: true }));
const opener = fileURLToPath(new URL("../../testing/queue-opener.ts", import.meta.url)).replace(/\.ts$/, import.meta.url.endsWith(".js") ? ".js" : ".ts");
const unfinished = (folder) => existsSync(folder) ? readdirSync(folder).filter((name) => name.startsWith("unfinished-")) : [];
test("killed at any step of making it, a queue opens at the next start, and nothing unfinished stays", async () => {
    const folder = join(scratch, "killed");
    /** As soon as it holds; the whole takes seconds, and how many is the machine's. */
    const kill = async (child, holds) => {
        for (; !holds(); await pause(2))
            assert.equal(child.exitCode, null);
        child.kill("SIGKILL");
        await once(child, "exit");
    };
    const begun = () => unfinished(folder)[0] ?? "none";
    await kill(fork(opener, [folder]), () => unfinished(folder).length > 0);
    const first = begun();
    const isAnother = () => begun() !== first && existsSync(join(folder, begun(), "PG_VERSION"));
    await kill(fork(opener, [folder]), isAnother);
    assert.ok(!existsSync(join(folder, "postgres")));
    await kill(fork(opener, [folder]), () => existsSync(join(folder, "postgres")));
    const backend = await openBackend({ backend: { kind: "embedded", folder } });
    try {
        await backend.openQueue("requests").add("http", {}, { jobId: "one" });
    }
    finally {
        await backend.close();
    }
    assert.deepEqual(unfinished(folder), []);
});
test("it is made once, and who reads the log knows what the seconds are for", async () => {
    const folder = join(scratch, "said");
    mkdirSync(folder);
    const lines = [];
    const log = { ...silentLogger, info: (_fields, message) => void lines.push(message) };
    const database = join(folder, "postgres");
    await makeDatabase(folder, database, log);
    assert.match(lines.join("\n"), /^a new queue: its database is made.*\nthe database is made$/);
    const made = readFileSync(join(database, "global", "pg_control"));
    await makeDatabase(folder, database, log);
    assert.equal(lines.length, 2);
    assert.deepEqual(readFileSync(join(database, "global", "pg_control")), made);
});
test("where it cannot be made, the error names the folder and says why", async () => {
    const folder = join(scratch, "refused");
    mkdirSync(folder);
    const nowhere = join(folder, "postgres");
    // A Node that does not know the compiler's flag would say so likewise.
    const before = process.execPath;
    const broken = join(scratch, "node");
    writeFileSync(broken, "#!/bin/sh\necho 'disk is full' >&2\nexit 3\n", { mode: 0o755 });
    process.execPath = broken;
    try {
        await assert.rejects(makeDatabase(folder, nowhere, silentLogger), {
            code: "folder-unusable",
            message: `no database could be made in ${folder}: disk is full`,
        });
    }
    finally {
        process.execPath = before;
    }
    assert.ok(!existsSync(nowhere));
});
//# sourceMappingURL=new-database.test.js.map