/** Jobs in Postgres 13 or later, in a schema of their own that is made, and brought up to date, when it is opened. */
import { type Milliseconds } from "@outrigger/core";
import type { Backend } from "./backend.ts";
/** @throws OutriggerError `postgres-unreachable`, `unreadable-secret`; an error of pg where the database is not ours to write */
export declare function openPostgres(url: string, { passwordFile, caFile, }: {
    readonly passwordFile?: string | undefined;
    readonly caFile?: string | undefined;
}, storeTimeout: Milliseconds): Promise<Backend>;
//# sourceMappingURL=postgres-backend.d.ts.map