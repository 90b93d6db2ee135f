import { type Logger } from "@outrigger/core";
/** Postgres' 128 MB are for a server; whatever a process has read is in the kernel's cache besides. */
export declare const SETTINGS: string[];
/**
 * Makes the folder's database where there is none. Only for who has the folder's lock.
 * @throws OutriggerError `folder-unusable`
 */
export declare function makeDatabase(folder: string, database: string, log: Logger): Promise<void>;
//# sourceMappingURL=new-database.d.ts.map