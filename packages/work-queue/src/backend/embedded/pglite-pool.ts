/**
 * PGlite as the pool of connections that BullMQ's Postgres backend wants (pg.Pool). There is one session, which all share:
 * its search_path is the queue's, and a transaction over several queries cannot be had. BullMQ runs each operation as one
 * statement.
 */
import { EventEmitter } from "node:events";
import type { PGlite } from "@electric-sql/pglite";
import type { PgPool, PgPoolClient, PgQueryResult } from "bullmq";

const COMMENTS = /--[^\n]*(?:\n|$)/g;
const LISTEN = /^LISTEN\s+"?(\w+)"?\s*;?$/i;

export class PglitePool extends EventEmitter implements PgPool {
  /** BullMQ asks whether a connection that went silent is noticed: this one cannot go. */
  readonly options = { keepAlive: true };
  readonly #db: PGlite;

  constructor(db: PGlite) {
    super();
    this.#db = db;
  }

  query<Row>(text: string, params?: readonly unknown[]): Promise<PgQueryResult<Row>> {
    return query<Row>(this.#db, text, params);
  }

  async connect(): Promise<PgPoolClient> {
    return new PgliteClient(this.#db);
  }

  /** The database is closed by whoever opened it. */
  async end(): Promise<void> {}
}

class PgliteClient extends EventEmitter implements PgPoolClient {
  readonly #db: PGlite;
  readonly #unlisten: (() => Promise<void>)[] = [];

  constructor(db: PGlite) {
    super();
    this.#db = db;
  }

  async query<Row>(text: string, params?: readonly unknown[]): Promise<PgQueryResult<Row>> {
    const channel = LISTEN.exec(text.replace(COMMENTS, "").trim())?.[1];
    if (channel === undefined) return query<Row>(this.#db, text, params);
    this.#unlisten.push(
      await this.#db.listen(channel, (payload) => this.emit("notification", { channel, payload })),
    );
    return { rows: [] };
  }

  release(): void {
    this.removeAllListeners();
    for (const unlisten of this.#unlisten.splice(0)) void unlisten().catch(() => {});
  }
}

async function query<Row>(
  db: PGlite,
  text: string,
  params?: readonly unknown[],
): Promise<PgQueryResult<Row>> {
  // A query is done within this thread, and ends in a microtask: without a turn between them no timer would ever fire.
  await new Promise((resolve) => setImmediate(resolve));
  if (params === undefined || params.length === 0) {
    const results = await db.exec(text);
    return { rows: (results.at(-1)?.rows ?? []) as Row[] };
  }
  const { rows, affectedRows } = await db.query<Row>(text, [...params]);
  return { rows, rowCount: affectedRows ?? null };
}
