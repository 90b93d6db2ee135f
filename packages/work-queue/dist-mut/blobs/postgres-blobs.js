import { keeping, noSuchBlob, notRead, undone } from "./blob-store.js";
import { parts } from "./parts.js";
const PART_BYTES = 256 * 1024;
const PAGE = 1_000;
/** The part that says that all others are there. */
const LAST = -1;
export class PostgresBlobs {
    #pool;
    #queue;
    #clock;
    #timeout;
    constructor(pool, queue, clock, timeout) {
        this.#timeout = timeout;
        this.#pool = pool;
        this.#queue = queue;
        this.#clock = clock;
    }
    /**
     * Makes its table where it is not there.
     * @param timeout of each step
     */
    static async open(pool, queue, clock, timeout) {
        // Two that make it at once would meet in the catalogue: one after the other.
        await pool.query(`DO $$ BEGIN
      PERFORM pg_advisory_xact_lock(hashtext('outrigger_blob'));
      CREATE TABLE IF NOT EXISTS outrigger_blob (
        queue text, id text, part integer, written double precision NOT NULL, bytes bytea NOT NULL,
        PRIMARY KEY (queue, id, part)
      );
    END $$`);
        return new PostgresBlobs(pool, queue, clock, timeout);
    }
    async write(id, pieces) {
        try {
            let part = 0;
            for await (const bytes of parts(pieces, PART_BYTES))
                await this.#insert(id, part++, bytes);
            await this.#insert(id, LAST, Buffer.from(String(part)));
        }
        catch (thrown) {
            return await undone(thrown, this.remove(id));
        }
    }
    async *read(id) {
        const count = Number((await this.#get(id, LAST)).toString());
        for (let part = 0; part < count; part++)
            yield await this.#get(id, part);
    }
    async remove(id) {
        await this.#query("DELETE FROM outrigger_blob WHERE queue = $1 AND id = $2", [this.#queue, id]);
    }
    async bytes() {
        const { rows } = await this.#query("SELECT coalesce(sum(length(bytes)), 0) AS bytes FROM outrigger_blob WHERE queue = $1 AND part <> $2", [this.#queue, LAST]);
        return Number(rows[0]?.bytes);
    }
    async *untouched(span) {
        const before = this.#clock.wallTime() - span;
        for (let after = "";;) {
            const { rows } = await this.#query(`SELECT id FROM outrigger_blob WHERE queue = $1 AND id > $2
         GROUP BY id HAVING max(written) < $3 ORDER BY id LIMIT ${PAGE}`, [this.#queue, after, before]);
            for (const { id } of rows)
                yield id;
            if (rows.length < PAGE)
                return;
            after = rows.at(-1).id;
        }
    }
    async #insert(id, part, bytes) {
        await keeping(this.#query("INSERT INTO outrigger_blob (queue, id, part, written, bytes) VALUES ($1, $2, $3, $4, $5)", [this.#queue, id, part, this.#clock.wallTime(), bytes]));
    }
    async #get(id, part) {
        const { rows } = await this.#query("SELECT bytes FROM outrigger_blob WHERE queue = $1 AND id = $2 AND part = $3", [this.#queue, id, part]).catch((thrown) => {
            throw notRead(thrown);
        });
        const [row] = rows;
        if (row === undefined)
            throw noSuchBlob(id);
        return row.bytes;
    }
    #query(text, values) {
        const query = { text, values, query_timeout: this.#timeout };
        return this.#pool.query(query);
    }
}
//# sourceMappingURL=postgres-blobs.js.map