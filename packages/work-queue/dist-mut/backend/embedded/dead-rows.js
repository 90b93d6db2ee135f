/**
 * Autovacuum, which a Postgres of one process has not: each update leaves a dead row behind, and each later query reads past
 * them. Without it a job cost twice as much after ten thousand, and there was no end to that.
 */
import { systemClock } from "@outrigger/core";
const LOOK_EVERY = 10_000;
/** A table has so many at least, and beside its live rows as large a share as where autovacuum begins by default. */
const LEAST = 1_000;
const SHARE = 0.2;
export class DeadRows {
    #session;
    #schema;
    #log;
    #timer = null;
    #stopped = false;
    constructor(session, schema, log) {
        this.#session = session;
        this.#schema = schema;
        this.#log = log;
    }
    start() {
        this.#timer = systemClock.timer(LOOK_EVERY, () => void this.#lookAgain(), { unref: true });
    }
    stop() {
        this.#stopped = true;
        this.#timer?.clear();
    }
    /** One table after the other: nothing else is asked of the database meanwhile. @returns those that had too many */
    async clear() {
        // Else they may be a second old, and what was done since is in none.
        await this.#session.ask((db) => db.query("SELECT pg_stat_force_next_flush()"));
        const { rows } = await this.#session.ask((db) => db.query(`SELECT relname AS name FROM pg_stat_user_tables
         WHERE schemaname = $1 AND n_dead_tup >= $2 AND n_dead_tup >= $3::float8 * n_live_tup ORDER BY relname`, [this.#schema, LEAST, SHARE]));
        for (const { name } of rows) {
            if (this.#stopped)
                break;
            await this.#session.ask((db) => db.exec(`VACUUM (ANALYZE) "${this.#schema}"."${name}"`));
            await new Promise((resolve) => setImmediate(resolve));
        }
        return rows.map(({ name }) => name);
    }
    async #lookAgain() {
        try {
            await this.clear();
        }
        catch (thrown) {
            if (!this.#stopped)
                this.#log.warn({ err: thrown.message }, "the embedded database keeps its dead rows");
        }
        if (!this.#stopped)
            this.#timer?.refresh();
    }
}
//# sourceMappingURL=dead-rows.js.map