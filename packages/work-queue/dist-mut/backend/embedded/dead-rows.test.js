/** Dead rows go where there are too many, and the database is left alone where there are not. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { PGlite } from "@electric-sql/pglite";
import { silentLogger } from "@outrigger/core";
import { DeadRows } from "./dead-rows.js";
import { PgliteSession } from "./pglite-pool.js";
test("a table whose dead rows are many is rid of them; one with few, or with few beside its others, is not", async () => {
    const db = await PGlite.create();
    const rows = new DeadRows(new PgliteSession(db), "ours", silentLogger);
    await db.exec("CREATE SCHEMA ours");
    for (const [table, live] of [
        ["many", 2_000],
        ["few", 500],
        ["large", 20_000],
    ])
        await db.exec(`
      CREATE TABLE ours.${table} (id integer, told integer);
      INSERT INTO ours.${table} SELECT id, 0 FROM generate_series(1, ${live}) AS id;
      UPDATE ours.${table} SET told = 1 WHERE id <= 2000`);
    const size = async () => Number((await db.query("SELECT pg_relation_size('ours.many') AS size")).rows[0]?.size);
    const before = await size();
    assert.deepEqual(await rows.clear(), ["many"]);
    assert.deepEqual(await rows.clear(), []);
    // Their room is used again.
    await db.exec("UPDATE ours.many SET told = 2");
    assert.equal(await size(), before);
    await db.exec("UPDATE ours.many SET told = 3");
    assert.ok((await size()) > before, "the test bites");
    await db.close();
});
//# sourceMappingURL=dead-rows.test.js.map