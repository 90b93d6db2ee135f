import { type Milliseconds, type RedisFiles } from "@outrigger/core";
import type { Backend } from "./backend.ts";
/** What of durability may be missing. */
export type Allowance = "no-aof" | "eviction";
/** @throws OutriggerError `redis-unreachable`, `not-durable`, `unreadable-secret` */
export declare function openRedis(url: string, files: RedisFiles, storeTimeout: Milliseconds, allowed: readonly Allowance[]): Promise<Backend>;
//# sourceMappingURL=redis-backend.d.ts.map