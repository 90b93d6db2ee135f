/**
 * The database of a new folder: made in a process of its own, since making it takes 600 MB of memory, which only the end of a
 * process gives back; and beside its place, so that whoever is killed meanwhile leaves nothing that looks whole.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdtemp, readdir, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { OutriggerError } from "@outrigger/core";
/** Postgres' 128 MB are for a server; whatever a process has read is in the kernel's cache besides. */
export const SETTINGS = ["shared_buffers=8MB"];
const UNFINISHED = "unfinished-";
/** It ends when its parent does: its standard input ends then. Arguments: PGlite's module, the folder, the settings. */
const PROGRAM = `process.stdin.on("end", () => process.exit(1)).resume();
const [pglite, folder, ...settings] = process.argv.slice(1);
const { PGlite } = await import(pglite);
const initDbStartParams = settings.flatMap((setting) => ["-c", setting]);
await (await PGlite.create(folder, { postgresqlconf: settings, initDbStartParams })).close();
process.exit(0);`;
/** The compiler that takes the least memory; what is compiled runs once. */
const COMPILER = "--liftoff-only";
/**
 * Makes the folder's database where there is none. Only for who has the folder's lock.
 * @throws OutriggerError `folder-unusable`
 */
export async function makeDatabase(folder, database, log) {
    for (const name of await readdir(folder))
        if (name.startsWith(UNFINISHED))
            await rm(join(folder, name), { recursive: true, force: true });
    if (existsSync(database))
        return;
    log.info({ folder }, "a new queue: its database is made, which takes seconds and 600 MB of memory, once");
    const unfinished = await mkdtemp(join(folder, UNFINISHED));
    await run(folder, unfinished);
    await rename(unfinished, database);
    log.info({ folder }, "the database is made");
}
async function run(folder, unfinished) {
    const pglite = import.meta.resolve("@electric-sql/pglite");
    const words = [COMPILER, "--input-type=module", "--eval", PROGRAM, pglite, unfinished, ...SETTINGS];
    const child = spawn(process.execPath, words, { env: {}, stdio: ["pipe", "ignore", "pipe"] });
    const [said, [code, signal]] = await Promise.all([
        text(child.stderr),
        once(child, "close"),
    ]);
    if (code === 0)
        return;
    const why = signal === "SIGKILL"
        ? "it was killed, as the kernel does where memory ends: the first start needs 600 MB"
        : (signal ?? said.trim().slice(-1_000));
    throw new OutriggerError("folder-unusable", `no database could be made in ${folder}: ${why}`);
}
//# sourceMappingURL=new-database.js.map