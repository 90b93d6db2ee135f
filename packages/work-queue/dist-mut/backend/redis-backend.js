/** Jobs in Redis or Valkey. A job that was answered 202 must be on its disk: a server that would lose it is refused. */
import { once } from "node:events";
import { createRedisBackend } from "bullmq";
import { formatRedisPlace, OutriggerError, parseRedisUrl, redisLogin, } from "@outrigger/core";
import { Redis } from "ioredis";
import { RedisBlobs } from "../blobs/redis-blobs.js";
import { bullmqOn, LONGEST_WAIT, PATIENCE } from "./bullmq-on.js";
import { RedisClients } from "./redis-clients.js";
const NAME = "outrigger-work-queue";
/** @throws OutriggerError `redis-unreachable`, `not-durable`, `unreadable-secret` */
export async function openRedis(url, files, storeTimeout, allowed) {
    const address = parseRedisUrl(url);
    const login = await redisLogin(address, files);
    const version = await inspect(address, login, allowed);
    const clients = new RedisClients(files.passwordFile === undefined ? null : () => redisLogin(address, files));
    const connection = { ...login, connectionName: NAME };
    // After a failover a connection may be open, and lead nowhere.
    const asking = clients.open({
        ...connection,
        enableOfflineQueue: false,
        maxRetriesPerRequest: 0,
        commandTimeout: storeTimeout,
        socketTimeout: Math.max(storeTimeout, PATIENCE),
    });
    const waiting = clients.open({ ...connection, maxRetriesPerRequest: null, socketTimeout: LONGEST_WAIT + PATIENCE }, version >= 7 ? "past-memory" : "within-memory");
    return bullmqOn(createRedisBackend, { asking, waiting, cut: () => clients.end(), end: async () => { } }, async (queue, clock) => {
        try {
            if (asking.status !== "ready")
                await once(asking, "ready");
        }
        catch (thrown) {
            throw unreachable(address, thrown);
        }
        return new RedisBlobs(asking, queue, clock);
    });
}
const unreachable = (address, cause) => new OutriggerError("redis-unreachable", `no connection to Redis at ${formatRedisPlace(address)}: ${cause.message}`, { cause });
/** @returns its major version; Valkey's is that of the Redis which it is compatible with */
async function inspect(address, login, allowed) {
    const redis = new Redis({
        ...login,
        connectionName: NAME,
        lazyConnect: true,
        retryStrategy: () => null,
        connectTimeout: PATIENCE,
        socketTimeout: PATIENCE,
    });
    let cause = null;
    redis.on("error", (error) => (cause ??= error));
    let info;
    try {
        await redis.connect();
        info = await redis.info();
    }
    catch (thrown) {
        throw unreachable(address, cause ?? thrown);
    }
    finally {
        redis.disconnect();
    }
    const field = (name) => new RegExp(`^${name}:(.*?)\\r?$`, "m").exec(info)?.[1] ?? "";
    if (field("aof_enabled") !== "1" && !allowed.includes("no-aof"))
        throw new OutriggerError("not-durable", "this Redis keeps no append-only file: jobs that were answered 202 are lost when it ends. Set appendonly yes there, or allow it by name (--allow-loss no-aof)");
    const policy = field("maxmemory_policy");
    if (policy !== "noeviction" && !allowed.includes("eviction"))
        throw new OutriggerError("not-durable", `this Redis evicts keys when its memory is full (maxmemory-policy ${policy}): jobs that were answered 202 go. Set maxmemory-policy noeviction there, or allow it by name (--allow-loss eviction)`);
    return Number.parseInt(field("redis_version"), 10);
}
//# sourceMappingURL=redis-backend.js.map