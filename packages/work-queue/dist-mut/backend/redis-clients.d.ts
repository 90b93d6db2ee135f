/**
 * The connections to Redis of one backend, those that BullMQ makes of them included, ended all at once. Left to itself a stop
 * beside a Redis that is away does not end: ioredis says nothing of its end where it is told to while it waits to dial again,
 * and BullMQ dials those it has closed.
 */
import type { RedisLogin } from "@outrigger/core";
import { Redis, type RedisOptions } from "ioredis";
export declare class RedisClients {
    #private;
    /** @param login asked before each further connection, for a password that was rotated; null: it cannot be */
    constructor(login: (() => Promise<RedisLogin>) | null);
    /** @param memory past-memory: its scripts write also where memory is full; from Redis 7 on, others know no such script */
    open(options: RedisOptions, memory?: "within-memory" | "past-memory"): Redis;
    end(): void;
}
//# sourceMappingURL=redis-clients.d.ts.map