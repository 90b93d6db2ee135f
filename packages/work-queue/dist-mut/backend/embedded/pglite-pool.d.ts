/**
 * PGlite as the pool of connections that BullMQ's Postgres backend wants (pg.Pool). There is one session, which all share:
 * its search_path is the queue's, and a transaction over several queries cannot be had. BullMQ runs each operation as one
 * statement.
 */
import { EventEmitter } from "node:events";
import type { PGlite } from "@electric-sql/pglite";
import type { PgPool, PgPoolClient, PgQueryResult } from "bullmq";
/** The one database of the pool, until it panics: what it is asked after that never ends, and takes the thread with it. */
export declare class PgliteSession {
    #private;
    readonly db: PGlite;
    /** Resolves when it can be asked no more. */
    readonly panicked: Promise<Error>;
    constructor(db: PGlite);
    /** @throws OutriggerError `database-ended`; an error of Postgres */
    ask<Value>(ask: (db: PGlite) => Promise<Value>): Promise<Value>;
    close(): Promise<void>;
}
export declare class PglitePool extends EventEmitter implements PgPool {
    #private;
    /** BullMQ asks whether a connection that went silent is noticed: this one cannot go. */
    readonly options: {
        keepAlive: boolean;
    };
    constructor(session: PgliteSession);
    query<Row>(text: string, params?: readonly unknown[]): Promise<PgQueryResult<Row>>;
    connect(): Promise<PgPoolClient>;
    /** The database is closed by whoever opened it. */
    end(): Promise<void>;
}
//# sourceMappingURL=pglite-pool.d.ts.map