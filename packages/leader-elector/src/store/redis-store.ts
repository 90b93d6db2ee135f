/**
 * A lease in Redis or Valkey: a hash `outrigger:election:{NAME}` with the record and its version, replaced by a script, which
 * the server runs alone: that is the compare-and-set. It has no TTL: candidates judge by themselves when it has expired.
 *
 * The version is drawn from a counter, `outrigger:election:{NAME}:count`, which goes on when the lease was deleted; the token
 * is the version of the acquiring write. Should the counter be lost alone, it goes on above the lease's version.
 *
 * All of it holds on one server. A failover to a replica, which Redis feeds later than it answers, can lose the last writes:
 * then two may lead until the first one's renewal finds another version (at most renewDeadline), and tokens fall back.
 *
 * A connection is made by the request that needs it, so that the election's own period, with its jitter, is the pause between
 * attempts; the password is read again for each. What was not answered in time takes its connection with it: it may be dead.
 */
import { createHash } from "node:crypto";
import {
  formatRedisPlace,
  OutriggerError,
  parseRedisUrl,
  redisLogin,
  silentLogger,
  type Logger,
  type RedisAddress,
  type RedisFiles,
} from "@outrigger/core";
import type { Redis } from "ioredis";
import type { LeaseRecord, LeaseStore, Sighting, Written } from "../election/lease-store.ts";
import { parseLease } from "./lease-json.ts";

/** Answers the new version, or nil where another one stood. Numbers stay text: Lua's are doubles. */
const SCRIPT = `
local version = redis.call('HGET', KEYS[1], 'version') or '0'
if version ~= ARGV[1] then return false end
local count = redis.call('GET', KEYS[2]) or '0'
if tonumber(count) < tonumber(version) then redis.call('SET', KEYS[2], version) end
redis.call('INCR', KEYS[2])
version = redis.call('GET', KEYS[2])
redis.call('HSET', KEYS[1], 'version', version, 'record', ARGV[2])
return version
`;
const SCRIPT_SHA = createHash("sha1").update(SCRIPT).digest("hex");

export interface RedisStoreOptions extends RedisFiles {
  /** Hears when the server may evict keys. Default: nobody. */
  readonly log?: Logger;
}

export class RedisStore implements LeaseStore {
  readonly #address: RedisAddress;
  readonly #key: string;
  readonly #countKey: string;
  readonly #options: RedisStoreOptions;
  #link: Link | null = null;
  #warned = false;

  /**
   * @param url see redis-address.ts
   * @param name of the election: letters, digits, '.', '_' and '-'
   * @throws OutriggerError `bad-redis-url`, `bad-election-name`
   */
  constructor(url: string, name: string, options: RedisStoreOptions = {}) {
    this.#address = parseRedisUrl(url);
    if (!/^[A-Za-z0-9][\w.-]{0,252}$/.test(name))
      throw new OutriggerError(
        "bad-election-name",
        `an election in Redis is named by letters, digits, '.', '_' and '-', at most 253: found ${JSON.stringify(name)}`,
      );
    // In braces: on a Redis Cluster both keys have one slot.
    this.#key = `outrigger:election:{${name}}`;
    this.#countKey = `${this.#key}:count`;
    this.#options = options;
  }

  async read(signal: AbortSignal): Promise<Sighting> {
    const [version, text] = await this.#ask(signal, (redis) => redis.hmget(this.#key, "version", "record"));
    if (version == null && text == null) return { record: null, version: "0" };
    if (version == null || text == null || !/^\d{1,19}$/.test(version))
      throw new OutriggerError(
        "bad-lease",
        `${this.#key} is no lease: delete it, or choose another database`,
      );
    return { record: parseLease(text, this.#key), version };
  }

  async write(
    record: LeaseRecord,
    over: Sighting,
    _acquires: boolean,
    signal: AbortSignal,
  ): Promise<Written | null> {
    const keysAndArgs = [2, this.#key, this.#countKey, over.version, JSON.stringify(record)] as const;
    const version = await this.#ask(signal, async (redis) => {
      try {
        return await redis.evalsha(SCRIPT_SHA, ...keysAndArgs);
      } catch (error) {
        // Nothing was done: the server does not know the script yet.
        if (!(error as Error).message.startsWith("NOSCRIPT")) throw error;
        return redis.eval(SCRIPT, ...keysAndArgs);
      }
    });
    if (version === null) return null;
    if (typeof version !== "string")
      throw new OutriggerError("redis-refused", `Redis answered a ${typeof version} where a version was due`);
    return { record, version, token: BigInt(version) };
  }

  /** Ends the connection. The next request would make one again. */
  async close(): Promise<void> {
    this.#drop(this.#link);
  }

  async #ask<Answer>(signal: AbortSignal, command: (redis: Redis) => Promise<Answer>): Promise<Answer> {
    signal.throwIfAborted();
    const link = (this.#link ??= this.#connect());
    try {
      return await orAbort(
        signal,
        link.ready.then(async (redis) => {
          // Whoever does not wait any more has nothing sent for him.
          signal.throwIfAborted();
          return command(redis);
        }),
      );
    } catch (thrown) {
      const { message } = thrown as Error;
      // READONLY: the primary is another one by now, perhaps behind the same name.
      if (signal.aborted || !isReply(thrown) || message.startsWith("READONLY")) this.#drop(link);
      if (!isReply(thrown)) throw thrown;
      throw new OutriggerError("redis-refused", `Redis refused what was asked of ${this.#key}: ${message}`, {
        cause: thrown,
      });
    }
  }

  #drop(link: Link | null): void {
    if (link === null) return;
    if (this.#link === link) this.#link = null;
    link.end();
  }

  #connect(): Link {
    let redis: Redis | null = null;
    let ended = false;
    const ready = this.#open((opened) => {
      redis = opened;
      opened.once("end", () => this.#drop(link));
      if (ended) opened.disconnect();
    });
    // Whoever waits for it hears of it.
    ready.catch(() => {});
    const link: Link = {
      ready,
      end: () => {
        ended = true;
        redis?.disconnect();
      },
    };
    return link;
  }

  async #open(opened: (redis: Redis) => void): Promise<Redis> {
    const { db } = this.#address;
    const login = await redisLogin(this.#address, this.#options);
    // Loaded by those alone who use it: it is 10 MB in memory.
    const { Redis: Client } = await import("./ioredis.ts");
    const redis = new Client({
      ...login,
      lazyConnect: true,
      // Nothing is kept for later, and nothing is sent twice: a write that was given up must not come back by itself.
      enableOfflineQueue: false,
      autoResendUnfulfilledCommands: false,
      retryStrategy: () => null,
      maxRetriesPerRequest: 0,
      // Its INFO is ours to ask, below.
      enableReadyCheck: false,
      connectionName: "outrigger-leader-elector",
    });
    let cause: Error | null = null;
    redis.on("error", (error: Error) => (cause ??= error));
    opened(redis);
    try {
      await redis.connect();
    } catch (thrown) {
      throw new OutriggerError(
        "redis-unreachable",
        `no connection to Redis at ${formatRedisPlace(this.#address)}: ${(cause ?? (thrown as Error)).message}`,
        { cause: thrown },
      );
    }
    if (db !== 0) await this.#select(redis, db);
    await this.#inspect(redis);
    return redis;
  }

  /** By ourselves: ioredis goes on in database 0 where it is refused (BUSY), beside those who lead in this one. */
  async #select(redis: Redis, db: number): Promise<void> {
    try {
      await redis.select(db);
    } catch (thrown) {
      throw new OutriggerError(
        "redis-refused",
        `Redis refused database ${db}: ${(thrown as Error).message}`,
        { cause: thrown },
      );
    }
  }

  /** What a lease needs of its server, as far as that tells. */
  async #inspect(redis: Redis): Promise<void> {
    const info = await redis.info().catch((error: unknown) => {
      // Who may not ask is told nothing.
      if (isReply(error)) return "";
      throw error;
    });
    const field = (name: string): string => new RegExp(`^${name}:(.*?)\\r?$`, "m").exec(info)?.[1] ?? "";
    if (field("role") === "slave")
      throw new OutriggerError(
        "redis-is-replica",
        "this Redis is a replica, whose leases are old and cannot be written: give the primary's address",
      );
    const policy = field("maxmemory_policy");
    if (!policy.startsWith("allkeys") || this.#warned) return;
    this.#warned = true;
    (this.#options.log ?? silentLogger).warn(
      { maxmemoryPolicy: policy },
      `this Redis evicts keys when its memory is full (maxmemory-policy ${policy}): with the lease goes who leads, with the ` +
        "counter the rise of tokens. Use noeviction, or a volatile policy: these keys have no TTL",
    );
  }
}

interface Link {
  readonly ready: Promise<Redis>;
  end(): void;
}

/** The server has answered, with an error: the connection is whole. */
function isReply(thrown: unknown): boolean {
  return thrown instanceof Error && thrown.name === "ReplyError";
}

function orAbort<Value>(signal: AbortSignal, value: Promise<Value>): Promise<Value> {
  return new Promise((resolve, reject) => {
    const onAbort = (): void => reject(signal.reason as Error);
    signal.addEventListener("abort", onAbort, { once: true });
    void value.then(resolve, reject).finally(() => signal.removeEventListener("abort", onAbort));
  });
}
