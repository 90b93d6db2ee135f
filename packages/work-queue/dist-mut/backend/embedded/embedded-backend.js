import { OutriggerError } from "@outrigger/core";
import { createPostgresBackend, runMigrations } from "bullmq";
import { join } from "node:path";
import { FolderBlobs } from "../../blobs/folder-blobs.js";
import { bullmqOn } from "../bullmq-on.js";
import { SCHEMA } from "../schema.js";
import { DeadRows } from "./dead-rows.js";
import { FolderLock } from "./folder-lock.js";
import { makeDatabase, SETTINGS } from "./new-database.js";
import { PglitePool, PgliteSession } from "./pglite-pool.js";
/** @throws OutriggerError `folder-in-use`, `folder-unusable`, `no-embedded` */
export async function openEmbedded(folder, log) {
    const { PGlite } = await loadPglite();
    const lock = await FolderLock.take(folder);
    try {
        const database = join(folder, "postgres");
        await makeDatabase(folder, database, log);
        const db = await PGlite.create(database, { postgresqlconf: SETTINGS });
        const session = new PgliteSession(db);
        const pool = new PglitePool(session);
        await runMigrations(await pool.connect(), SCHEMA);
        await pool.query(`SET search_path TO ${SCHEMA}`);
        const deadRows = new DeadRows(session, SCHEMA, log);
        deadRows.start();
        const end = async () => {
            deadRows.stop();
            await session.close();
            await lock.release();
        };
        const backend = bullmqOn(createPostgresBackend, { asking: pool, waiting: pool, cut: () => { }, end }, 
        // In its memory all of one would be whole.
        (queue, clock) => FolderBlobs.open(join(folder, "blobs", queue), clock));
        return { ...backend, ended: session.panicked };
    }
    catch (thrown) {
        await lock.release();
        throw thrown;
    }
}
/** 15 MB that one variant of the image has. */
async function loadPglite() {
    try {
        return await import("@electric-sql/pglite");
    }
    catch (thrown) {
        throw new OutriggerError("no-embedded", "embedded: needs the package @electric-sql/pglite, which is not here: use the image outrigger-work-queue-embedded, or another backend", { cause: thrown });
    }
}
//# sourceMappingURL=embedded-backend.js.map