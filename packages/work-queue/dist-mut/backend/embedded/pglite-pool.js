/**
 * PGlite as the pool of connections that BullMQ's Postgres backend wants (pg.Pool). There is one session, which all share:
 * its search_path is the queue's, and a transaction over several queries cannot be had. BullMQ runs each operation as one
 * statement.
 */
import { EventEmitter } from "node:events";
import { OutriggerError } from "@outrigger/core";
const COMMENTS = /--[^\n]*(?:\n|$)/g;
const LISTEN = /^LISTEN\s+"?(\w+)"?\s*;?$/i;
/** The one database of the pool, until it panics: what it is asked after that never ends, and takes the thread with it. */
export class PgliteSession {
    db;
    #panic = null;
    #tell = () => { };
    /** Resolves when it can be asked no more. */
    panicked = new Promise((resolve) => (this.#tell = resolve));
    constructor(db) {
        this.db = db;
    }
    /** @throws OutriggerError `database-ended`; an error of Postgres */
    async ask(ask) {
        if (this.#panic !== null)
            throw this.#panic;
        try {
            return await ask(this.db);
        }
        catch (thrown) {
            if (thrown.severity !== "PANIC")
                throw thrown;
            this.#panic = new OutriggerError("database-ended", `the database of the embedded queue ended: ${thrown.message}. Make room on its disk; started again it goes on with what it has kept`, { cause: thrown });
            this.#tell(this.#panic);
            throw this.#panic;
        }
    }
    async close() {
        if (this.#panic === null)
            await this.db.close();
    }
}
export class PglitePool extends EventEmitter {
    /** BullMQ asks whether a connection that went silent is noticed: this one cannot go. */
    options = { keepAlive: true };
    #session;
    constructor(session) {
        super();
        // Each queue and worker listens for errors.
        this.setMaxListeners(0);
        this.#session = session;
    }
    query(text, params) {
        return query(this.#session, text, params);
    }
    async connect() {
        return new PgliteClient(this.#session);
    }
    /** The database is closed by whoever opened it. */
    async end() { }
}
class PgliteClient extends EventEmitter {
    #session;
    #unlisten = [];
    constructor(session) {
        super();
        this.#session = session;
    }
    async query(text, params) {
        const channel = LISTEN.exec(text.replace(COMMENTS, "").trim())?.[1];
        if (channel === undefined)
            return query(this.#session, text, params);
        const hear = (payload) => void this.emit("notification", { channel, payload });
        const unlisten = await this.#session.ask((db) => db.listen(channel, hear));
        this.#unlisten.push(() => this.#session.ask(() => unlisten()));
        return { rows: [] };
    }
    release() {
        this.removeAllListeners();
        for (const unlisten of this.#unlisten.splice(0))
            void unlisten().catch(() => { });
    }
}
async function query(session, text, params) {
    // A query is done within this thread, and ends in a microtask: without a turn between them no timer would ever fire.
    await new Promise((resolve) => setImmediate(resolve));
    if (params === undefined || params.length === 0) {
        const results = await session.ask((db) => db.exec(text));
        return { rows: (results.at(-1)?.rows ?? []) };
    }
    const { rows, affectedRows } = await session.ask((db) => db.query(text, [...params]));
    return { rows, rowCount: affectedRows ?? null };
}
//# sourceMappingURL=pglite-pool.js.map