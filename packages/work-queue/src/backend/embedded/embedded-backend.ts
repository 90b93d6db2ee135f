/** Jobs in a folder of this machine: the Postgres backend on a Postgres in this process (PGlite). For one process. */
import type * as PgliteModule from "@electric-sql/pglite";
import { OutriggerError, type Logger } from "@outrigger/core";
import { createPostgresBackend, runMigrations } from "bullmq";
import { join } from "node:path";
import { FolderBlobs } from "../../blobs/folder-blobs.ts";
import type { Backend } from "../backend.ts";
import { bullmqOn } from "../bullmq-on.ts";
import { SCHEMA } from "../schema.ts";
import { DeadRows } from "./dead-rows.ts";
import { FolderLock } from "./folder-lock.ts";
import { makeDatabase, SETTINGS } from "./new-database.ts";
import { PglitePool, PgliteSession } from "./pglite-pool.ts";

/** @throws OutriggerError `folder-in-use`, `folder-unusable`, `no-embedded` */
export async function openEmbedded(folder: string, log: Logger): Promise<Backend> {
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
    const end = async (): Promise<void> => {
      deadRows.stop();
      await session.close();
      await lock.release();
    };
    const backend = bullmqOn(
      createPostgresBackend,
      { asking: pool, waiting: pool, cut: () => {}, end },
      // In its memory all of one would be whole.
      (queue, clock) => FolderBlobs.open(join(folder, "blobs", queue), clock),
    );
    return { ...backend, ended: session.panicked };
  } catch (thrown) {
    await lock.release();
    throw thrown;
  }
}

/** 15 MB that one variant of the image has. */
async function loadPglite(): Promise<typeof PgliteModule> {
  try {
    return await import("@electric-sql/pglite");
  } catch (thrown) {
    throw new OutriggerError(
      "no-embedded",
      "embedded: needs the package @electric-sql/pglite, which is not here: use the image outrigger-work-queue-embedded, or another backend",
      { cause: thrown },
    );
  }
}
