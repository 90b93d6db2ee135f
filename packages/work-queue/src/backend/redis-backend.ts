/** Jobs in Redis or Valkey. A job that was answered 202 must be on its disk: a server that would lose it is refused. */
import { createRedisBackend } from "bullmq";
import {
  formatRedisPlace,
  OutriggerError,
  parseRedisUrl,
  redisLogin,
  type Milliseconds,
  type RedisAddress,
  type RedisFiles,
  type RedisLogin,
} from "@outrigger/core";
import { Redis } from "ioredis";
import { RedisBlobs } from "../blobs/redis-blobs.ts";
import type { Backend } from "./backend.ts";
import { bullmqOn, LONGEST_WAIT, PATIENCE } from "./bullmq-on.ts";
import { wordsOf } from "./lost-connection.ts";
import { RedisClients } from "./redis-clients.ts";

/** What of durability may be missing. */
export type Allowance = "no-aof" | "eviction";

const NAME = "outrigger-work-queue";

/** @throws OutriggerError `redis-unreachable`, `not-durable`, `unreadable-secret` */
export async function openRedis(
  url: string,
  files: RedisFiles,
  storeTimeout: Milliseconds,
  allowed: readonly Allowance[],
  signal?: AbortSignal,
): Promise<Backend> {
  const address = parseRedisUrl(url);
  const login = await redisLogin(address, files);
  const version = await inspect(address, login, allowed, signal);
  const clients = new RedisClients(
    files.passwordFile === undefined ? null : () => redisLogin(address, files),
  );
  const connection = { ...login, connectionName: NAME };
  // After a failover a connection may be open, and lead nowhere.
  const asking = clients.open(
    {
      ...{ ...connection, commandTimeout: storeTimeout },
      ...{ enableOfflineQueue: false, maxRetriesPerRequest: 0 },
    },
    { patience: Math.max(storeTimeout, PATIENCE) },
  );
  const waiting = clients.open(
    { ...connection, maxRetriesPerRequest: null },
    { memory: version >= 7 ? "past-memory" : "within-memory", patience: LONGEST_WAIT + PATIENCE },
  );
  return bullmqOn(
    createRedisBackend,
    {
      ...{ asking, waiting },
      lost: clients.lost.then((error) => unreachable(address, error)),
      cut: () => clients.end(),
      end: async () => {},
    },
    async (queue, clock) => {
      const ready = new Promise((resolve) => asking.once("ready", resolve));
      // Where it is cut it says nothing more.
      const error = asking.status === "ready" ? null : await Promise.race([ready, clients.lost]);
      if (error instanceof Error) throw unreachable(address, error);
      return new RedisBlobs(asking, queue, clock);
    },
  );
}

const unreachable = (address: RedisAddress, cause: unknown): OutriggerError =>
  new OutriggerError(
    "redis-unreachable",
    `no connection to Redis at ${formatRedisPlace(address)}: ${wordsOf(cause)}`,
    { cause },
  );

/** @returns its major version; Valkey's is that of the Redis which it is compatible with */
async function inspect(
  address: RedisAddress,
  login: RedisLogin,
  allowed: readonly Allowance[],
  signal?: AbortSignal,
): Promise<number> {
  const redis = new Redis({
    ...login,
    connectionName: NAME,
    lazyConnect: true,
    retryStrategy: () => null,
    connectTimeout: PATIENCE,
    socketTimeout: PATIENCE,
    disconnectTimeout: 0,
  });
  const cut = (): void => redis.disconnect();
  signal?.addEventListener("abort", cut);
  let cause: Error | null = null;
  redis.on("error", (error: Error) => (cause ??= error));
  let info: string;
  try {
    await redis.connect();
    info = await redis.info();
  } catch (thrown) {
    throw unreachable(address, cause ?? thrown);
  } finally {
    signal?.removeEventListener("abort", cut);
    redis.disconnect();
  }
  const field = (name: string): string => new RegExp(`^${name}:(.*?)\\r?$`, "m").exec(info)?.[1] ?? "";
  // First: what else it lacks says nothing of the primary.
  if (field("role") === "slave")
    throw new OutriggerError(
      "redis-unreachable",
      `Redis at ${formatRedisPlace(address)} is a replica, to which nothing can be written: give the primary's address, or a name that follows it`,
    );
  if (field("aof_enabled") !== "1" && !allowed.includes("no-aof"))
    throw new OutriggerError(
      "not-durable",
      "this Redis keeps no append-only file: jobs that were answered 202 are lost when it ends. Set appendonly yes there, or allow it by name (--allow-loss no-aof)",
    );
  const policy = field("maxmemory_policy");
  if (policy !== "noeviction" && !allowed.includes("eviction"))
    throw new OutriggerError(
      "not-durable",
      `this Redis evicts keys when its memory is full (maxmemory-policy ${policy}): jobs that were answered 202 go. Set maxmemory-policy noeviction there, or allow it by name (--allow-loss eviction)`,
    );
  return Number.parseInt(field("redis_version"), 10);
}
