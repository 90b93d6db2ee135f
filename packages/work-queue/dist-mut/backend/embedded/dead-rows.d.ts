/**
 * Autovacuum, which a Postgres of one process has not: each update leaves a dead row behind, and each later query reads past
 * them. Without it a job cost twice as much after ten thousand, and there was no end to that.
 */
import { type Logger } from "@outrigger/core";
import type { PgliteSession } from "./pglite-pool.ts";
export declare class DeadRows {
    #private;
    constructor(session: PgliteSession, schema: string, log: Logger);
    start(): void;
    stop(): void;
    /** One table after the other: nothing else is asked of the database meanwhile. @returns those that had too many */
    clear(): Promise<string[]>;
}
//# sourceMappingURL=dead-rows.d.ts.map