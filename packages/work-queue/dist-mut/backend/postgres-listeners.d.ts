/**
 * Connections that BullMQ took out of the pool to listen on. Nobody asks them anything: one that leads nowhere any more, and is
 * open, would be silent for ever, and BullMQ would wait for it up to an hour. So they are asked now and then.
 */
import type { Milliseconds } from "@outrigger/core";
import type { Pool } from "pg";
export declare class Listeners {
    #private;
    /** @param every one that is out for so long is asked that often; it has the pool's query_timeout to answer */
    constructor(pool: Pool, every: Milliseconds);
    end(): void;
}
//# sourceMappingURL=postgres-listeners.d.ts.map