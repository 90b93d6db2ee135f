import assert from "node:assert/strict";
import { test } from "node:test";
import { PglitePool, PgliteSession } from "./pglite-pool.js";
test("a database that panicked is asked nothing more, not even to close; another error is the query's alone", async () => {
    const asked = [];
    const db = {
        exec: async (text) => {
            asked.push(text);
            if (text === "panics")
                throw Object.assign(new Error("No space left"), { severity: "PANIC" });
            if (text === "fails")
                throw Object.assign(new Error("no such table"), { severity: "ERROR" });
            return [{ rows: [1] }];
        },
        close: async () => void asked.push("close"),
    };
    const session = new PgliteSession(db);
    const pool = new PglitePool(session);
    await assert.rejects(pool.query("fails"), /no such table/);
    assert.deepEqual((await pool.query("works")).rows, [1]);
    const client = await pool.connect();
    await assert.rejects(client.query("panics"), {
        code: "database-ended",
        message: /No space left.*Make room/,
    });
    for (const query of [
        () => pool.query("works"),
        () => client.query("works"),
        () => client.query("LISTEN x"),
    ])
        await assert.rejects(query(), { code: "database-ended" });
    await session.close();
    assert.deepEqual(asked, ["fails", "works", "panics"]);
    assert.match((await session.panicked).message, /started again it goes on/);
});
//# sourceMappingURL=pglite-pool.test.js.map