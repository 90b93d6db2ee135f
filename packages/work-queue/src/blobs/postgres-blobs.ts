/** Blobs in Postgres: a row for each of their parts. */
import type { Bytes, Clock, Milliseconds } from "@outrigger/core";
import type { Pool, QueryResult, QueryResultRow } from "pg";
import { keeping, noSuchBlob, notRead, undone, type BlobId, type BlobStore } from "./blob-store.ts";
import { parts } from "./parts.ts";

const PART_BYTES: Bytes = 256 * 1024;
const PAGE = 1_000;
/** The part that says that all others are there. */
const LAST = -1;

export class PostgresBlobs implements BlobStore {
  readonly #pool: Pool;
  readonly #queue: string;
  readonly #clock: Clock;

  readonly #timeout: Milliseconds;

  private constructor(pool: Pool, queue: string, clock: Clock, timeout: Milliseconds) {
    this.#timeout = timeout;
    this.#pool = pool;
    this.#queue = queue;
    this.#clock = clock;
  }

  /**
   * Makes its table where it is not there.
   * @param timeout of each step
   */
  static async open(pool: Pool, queue: string, clock: Clock, timeout: Milliseconds): Promise<PostgresBlobs> {
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

  async write(id: BlobId, pieces: AsyncIterable<Buffer>): Promise<void> {
    try {
      let part = 0;
      for await (const bytes of parts(pieces, PART_BYTES)) await this.#insert(id, part++, bytes);
      await this.#insert(id, LAST, Buffer.from(String(part)));
    } catch (thrown) {
      return await undone(thrown, this.remove(id));
    }
  }

  async *read(id: BlobId): AsyncGenerator<Buffer, void, undefined> {
    const count = Number((await this.#get(id, LAST)).toString());
    for (let part = 0; part < count; part++) yield await this.#get(id, part);
  }

  async remove(id: BlobId): Promise<void> {
    await this.#query("DELETE FROM outrigger_blob WHERE queue = $1 AND id = $2", [this.#queue, id]);
  }

  async bytes(): Promise<Bytes> {
    const { rows } = await this.#query<{ bytes: string }>(
      "SELECT coalesce(sum(length(bytes)), 0) AS bytes FROM outrigger_blob WHERE queue = $1 AND part <> $2",
      [this.#queue, LAST],
    );
    return Number(rows[0]?.bytes);
  }

  async *untouched(span: Milliseconds): AsyncGenerator<BlobId, void, undefined> {
    const before = this.#clock.wallTime() - span;
    for (let after = ""; ;) {
      const { rows } = await this.#query<{ id: string }>(
        `SELECT id FROM outrigger_blob WHERE queue = $1 AND id > $2
         GROUP BY id HAVING max(written) < $3 ORDER BY id LIMIT ${PAGE}`,
        [this.#queue, after, before],
      );
      for (const { id } of rows) yield id;
      if (rows.length < PAGE) return;
      after = (rows.at(-1) as { id: string }).id;
    }
  }

  async #insert(id: BlobId, part: number, bytes: Buffer): Promise<void> {
    await keeping(
      this.#query(
        "INSERT INTO outrigger_blob (queue, id, part, written, bytes) VALUES ($1, $2, $3, $4, $5)",
        [this.#queue, id, part, this.#clock.wallTime(), bytes],
      ),
    );
  }

  async #get(id: BlobId, part: number): Promise<Buffer> {
    const { rows } = await this.#query<{ bytes: Buffer }>(
      "SELECT bytes FROM outrigger_blob WHERE queue = $1 AND id = $2 AND part = $3",
      [this.#queue, id, part],
    ).catch((thrown: unknown) => {
      throw notRead(thrown);
    });
    const [row] = rows;
    if (row === undefined) throw noSuchBlob(id);
    return row.bytes;
  }

  #query<Row extends QueryResultRow>(text: string, values: unknown[]): Promise<QueryResult<Row>> {
    const query = { text, values, query_timeout: this.#timeout };
    return this.#pool.query<Row>(query);
  }
}
