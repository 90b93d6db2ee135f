/**
 * PGlite as the pool of connections that BullMQ's Postgres backend wants (pg.Pool). There is one session, which all share:
 * its search_path is the queue's, and a transaction over several queries cannot be had. BullMQ runs each operation as one
 * statement.
 */
import { EventEmitter } from "node:events";
import { OutriggerError } from "@outrigger/core";
import type { PGlite } from "@electric-sql/pglite";
import type { PgPool, PgPoolClient, PgQueryResult } from "bullmq";

const COMMENTS = /--[^\n]*(?:\n|$)/g;
const LISTEN = /^LISTEN\s+"?(\w+)"?\s*;?$/i;

/** The one database of the pool, until it panics: what it is asked after that never ends, and takes the thread with it. */
export class PgliteSession {
  readonly db: PGlite;
  #panic: Error | null = null;
  #tell: (error: Error) => void = () => {};
  /** Resolves when it can be asked no more. */
  readonly panicked: Promise<Error> = new Promise((resolve) => (this.#tell = resolve));

  constructor(db: PGlite) {
    this.db = db;
  }

  /** @throws OutriggerError `database-ended`; an error of Postgres */
  async ask<Value>(ask: (db: PGlite) => Promise<Value>): Promise<Value> {
    if (this.#panic !== null) throw this.#panic;
    try {
      return await ask(this.db);
    } catch (thrown) {
      if ((thrown as { severity?: string }).severity !== "PANIC") throw thrown;
      this.#panic = new OutriggerError(
        "database-ended",
        `the database of the embedded queue ended: ${(thrown as Error).message}. Make room on its disk; started again it goes on with what it has kept`,
        { cause: thrown },
      );
      this.#tell(this.#panic);
      throw this.#panic;
    }
  }

  async close(): Promise<void> {
    if (this.#panic === null) await this.db.close();
  }
}

export class PglitePool extends EventEmitter implements PgPool {
  /** BullMQ asks whether a connection that went silent is noticed: this one cannot go. */
  readonly options = { keepAlive: true };
  readonly #session: PgliteSession;

  constructor(session: PgliteSession) {
    super();
    // Each queue and worker listens for errors.
    this.setMaxListeners(0);
    this.#session = session;
  }

  query<Row>(text: string, params?: readonly unknown[]): Promise<PgQueryResult<Row>> {
    return query<Row>(this.#session, text, params);
  }

  async connect(): Promise<PgPoolClient> {
    return new PgliteClient(this.#session);
  }

  /** The database is closed by whoever opened it. */
  async end(): Promise<void> {}
}

class PgliteClient extends EventEmitter implements PgPoolClient {
  readonly #session: PgliteSession;
  readonly #unlisten: (() => Promise<void>)[] = [];

  constructor(session: PgliteSession) {
    super();
    this.#session = session;
  }

  async query<Row>(text: string, params?: readonly unknown[]): Promise<PgQueryResult<Row>> {
    const channel = LISTEN.exec(text.replace(COMMENTS, "").trim())?.[1];
    if (channel === undefined) return query<Row>(this.#session, text, params);
    const hear = (payload: string): void => void this.emit("notification", { channel, payload });
    const unlisten = await this.#session.ask((db) => db.listen(channel, hear));
    this.#unlisten.push(() => this.#session.ask(() => unlisten()));
    return { rows: [] };
  }

  release(): void {
    this.removeAllListeners();
    for (const unlisten of this.#unlisten.splice(0)) void unlisten().catch(() => {});
  }
}

async function query<Row>(
  session: PgliteSession,
  text: string,
  params?: readonly unknown[],
): Promise<PgQueryResult<Row>> {
  // A query is done within this thread, and ends in a microtask: without a turn between them no timer would ever fire.
  await new Promise((resolve) => setImmediate(resolve));
  if (params === undefined || params.length === 0) {
    const results = await session.ask((db) => db.exec(text));
    return { rows: (results.at(-1)?.rows ?? []) as Row[] };
  }
  const { rows, affectedRows } = await session.ask((db) => db.query<Row>(text, [...params]));
  return { rows, rowCount: affectedRows ?? null };
}
