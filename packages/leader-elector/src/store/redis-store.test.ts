/** Leases on a real redis-server: what only Redis can do to them. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { connect, createServer, type AddressInfo, type Socket } from "node:net";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import { Redis } from "ioredis";
import { silentLogger, type OutriggerError } from "@outrigger/core";
import { noRedisServer, noTlsRedis, RedisServer, TlsRedis } from "@outrigger/core/testing";
import type { LeaseStore, Written } from "../election/lease-store.ts";
import { held } from "../testing/lease-record.ts";
import { RedisStore, type RedisStoreOptions } from "./redis-store.ts";

const { signal } = new AbortController();

const ends: (() => unknown)[] = [];
after(async () => {
  for (const end of ends.reverse()) await end();
});

async function serve(...args: string[]): Promise<RedisServer> {
  const server = await RedisServer.start(args);
  ends.push(() => server.end());
  return server;
}

function open(url: string, options?: RedisStoreOptions): RedisStore {
  const store = new RedisStore(url, "ticker", options);
  ends.push(() => store.close());
  return store;
}

function client(server: RedisServer, password?: string): Redis {
  const redis = new Redis({ path: server.socket, ...(password !== undefined && { password }) });
  redis.on("error", () => {});
  ends.push(() => redis.disconnect());
  return redis;
}

async function acquire(store: LeaseStore, holder = "a"): Promise<Written> {
  const written = await store.write(held(holder), await store.read(signal), true, signal);
  assert.ok(written);
  return written;
}

const code = (expected: string) => (error: unknown) => (error as OutriggerError).code === expected;

describe("a lease in Redis", { skip: noRedisServer }, () => {
  it("has no TTL, and the name in braces, for one slot of a Cluster", async () => {
    const server = await serve();
    await acquire(open(server.url));
    const redis = client(server);
    const keys = (await redis.keys("*")).sort();
    assert.deepEqual(keys, ["outrigger:election:{ticker}", "outrigger:election:{ticker}:count"]);
    for (const key of keys) assert.equal(await redis.ttl(key), -1, key);
  });

  it("has higher tokens after it was deleted, or its counter, and no version twice", async () => {
    const server = await serve();
    const [store, redis] = [open(server.url), client(server)];
    let before = await acquire(store);
    for (const suffix of ["", ":count"]) {
      await redis.del(`outrigger:election:{ticker}${suffix}`);
      const next = await acquire(store, "b");
      assert.ok(next.token > before.token, suffix);
      assert.equal(await store.write(held("a"), before, true, signal), null);
      before = next;
    }
  });

  it("counts exactly where doubles do not", async () => {
    const server = await serve();
    await client(server).set("outrigger:election:{ticker}:count", String(2n ** 62n));
    const { token, version } = await acquire(open(server.url));
    assert.equal(token, 2n ** 62n + 1n);
    assert.equal(version, String(2n ** 62n + 1n));
  });

  it("goes on after the server has forgotten the script", async () => {
    const server = await serve();
    const store = open(server.url);
    const first = await acquire(store);
    await client(server).script("FLUSH");
    assert.ok(await store.write(held("a"), first, false, signal));
  });

  it("is found again when the server comes back, by the next request", async () => {
    const server = await serve("--appendonly", "yes", "--appendfsync", "always");
    const store = open(server.url);
    const { version } = await acquire(store);
    await server.crash();
    await assert.rejects(store.read(signal));
    await assert.rejects(store.read(signal), code("redis-unreachable"));
    await server.startAgain();
    assert.equal((await store.read(signal)).version, version);
  });

  it("is refused with a sentence where the keys hold something else", async () => {
    const server = await serve();
    const [store, redis] = [open(server.url), client(server)];
    const key = "outrigger:election:{ticker}";
    await redis.set(key, "x");
    await assert.rejects(
      store.read(signal),
      /Redis refused what was asked of outrigger:election:.*WRONGTYPE/,
    );
    for (const fields of [{ version: "1" }, { record: "{}" }, { version: "x", record: "{}" }]) {
      await redis.del(key);
      await redis.hset(key, fields);
      await assert.rejects(store.read(signal), /is no lease: delete it/, JSON.stringify(fields));
    }
    await redis.hset(key, { version: "7", record: "[1]" });
    await assert.rejects(store.read(signal), /outrigger:election:\{ticker\} is no lease: \[1\]/);
    await redis.del(key);
    await redis.set(`${key}:count`, "many");
    await assert.rejects(
      store.write(held("a"), { record: null, version: "0" }, true, signal),
      code("redis-refused"),
    );
    assert.equal(await redis.exists(key), 0);
  });

  it("is asked for with the password that its file has at each connection, and the user and database of the URL", async () => {
    const server = await serve("--requirepass", "one");
    const admin = client(server, "one");
    const passwordFile = join(server.folder, "password");
    writeFileSync(passwordFile, "one\n");
    const store = open(server.url, { passwordFile });
    await acquire(store);
    // Those who are connected stay so: the next connection needs the new one.
    await admin.config("SET", "requirepass", "two");
    await admin.call("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes");
    // The first may still be told that its connection was closed.
    let refusal = "";
    while (!refusal.includes("WRONGPASS")) refusal = await store.read(signal).then(String, String);
    writeFileSync(passwordFile, "two");
    assert.equal((await store.read(signal)).record?.holder, "a");

    const rights = "+hmget +hget +hset +get +set +incr +eval +evalsha +hello +select +client";
    await admin.call(
      "ACL",
      "SETUSER",
      "elector",
      "on",
      ">three",
      "~outrigger:election:*",
      ...rights.split(" "),
    );
    writeFileSync(passwordFile, "three");
    const url = `redis://elector@127.0.0.1:${server.port}/3`;
    const other = open(url, { passwordFile });
    assert.equal((await other.read(signal)).record, null);
    await acquire(other, "b");
    await admin.select(3);
    assert.equal((await admin.keys("*")).length, 2);
    await assert.rejects(
      open(server.url, { passwordFile: "/nowhere/p" }).read(signal),
      /passwordFile \/nowhere\/p cannot be read/,
    );
  });

  it("is reached by a unix socket", async () => {
    const server = await serve();
    await acquire(open(`unix://${server.socket}?db=2`), "a");
    assert.equal((await open(`${server.url}/2`).read(signal)).record?.holder, "a");
  });

  it("is in no other database where its own is refused, also for a while", async () => {
    const server = await serve();
    const store = open(`${server.url}/3`);
    await acquire(store);
    await store.close();
    const admin = client(server);
    await admin.call("ACL", "SETUSER", "default", "-select");
    await assert.rejects(store.read(signal), /Redis refused database 3: NOPERM/);
    await admin.call("ACL", "SETUSER", "default", "+select");
    assert.equal((await store.read(signal)).record?.holder, "a");
    await assert.rejects(open(`${server.url}/99`).read(signal), code("redis-refused"));
  });

  it("is not taken from a replica, which is old and cannot be written", async () => {
    const server = await serve();
    const store = open(server.url);
    await acquire(store);
    await client(server).replicaof("127.0.0.1", "1");
    // A connection from before learns it by a write; after that, and on every new one, nothing is read either.
    await assert.rejects(store.write(held("a"), await store.read(signal), false, signal), /READONLY/);
    await assert.rejects(store.read(signal), code("redis-is-replica"));
    await client(server).replicaof("NO", "ONE");
    await acquire(store);
  });

  it("warns, once, of a server that may evict it", async () => {
    const server = await serve("--maxmemory-policy", "allkeys-lru");
    const warnings: string[] = [];
    const log = { ...silentLogger, warn: (_: object, text: string) => void warnings.push(text) };
    const store = open(server.url, { log });
    await store.read(signal);
    await store.close();
    await store.read(signal);
    assert.equal(warnings.length, 1);
    assert.match(warnings[0] ?? "", /evicts keys when its memory is full \(maxmemory-policy allkeys-lru\)/);
    await client(server).config("SET", "maxmemory-policy", "volatile-lru");
    await open(server.url, { log }).read(signal);
    assert.equal(warnings.length, 1);
  });
});

describe("a request to Redis", { skip: noRedisServer }, () => {
  /** Between store and server; `swallow` keeps answers back. */
  async function relay(server: RedisServer) {
    const state = { swallow: false, connections: 0, requests: 0 };
    const sockets = new Set<Socket>();
    const listener = createServer((socket) => {
      state.connections++;
      const behind = connect({ host: "127.0.0.1", port: server.port });
      for (const each of [socket, behind]) {
        sockets.add(each);
        each.on("error", () => {});
        each.on("close", () => sockets.delete(each));
      }
      socket.on("data", (bytes) => {
        state.requests++;
        behind.write(bytes);
      });
      behind.on("data", (bytes) => {
        if (!state.swallow) socket.write(bytes);
        else listener.emit("swallowed", socket);
      });
      socket.on("close", () => behind.destroy());
      behind.on("close", () => socket.destroy());
    });
    listener.listen(0, "127.0.0.1");
    await once(listener, "listening");
    ends.push(() => {
      listener.close();
      for (const socket of sockets) socket.destroy();
    });
    return { state, listener, url: `redis://127.0.0.1:${(listener.address() as AddressInfo).port}` };
  }

  it("rejects when the connection breaks after the write was done and before it was answered", async () => {
    const server = await serve();
    const { state, listener, url } = await relay(server);
    const store = open(url);
    const first = await acquire(store);
    state.swallow = true;
    listener.once("swallowed", (socket: Socket) => socket.destroy());
    await assert.rejects(store.write(held("b"), first, true, signal));
    state.swallow = false;
    const found = await store.read(signal);
    // Done once: nothing has sent it again.
    assert.deepEqual([found.record?.holder, found.version], ["b", "2"]);
  });

  it("ends with its signal, and leaves a connection that does not answer", async () => {
    const server = await serve();
    const { state, listener, url } = await relay(server);
    const store = open(url);
    await store.read(signal);
    state.swallow = true;
    const impatient = new AbortController();
    const asked = store.read(impatient.signal);
    await once(listener, "swallowed");
    impatient.abort(new Error("no answer within 5 s"));
    await assert.rejects(asked, /no answer within 5 s/);
    state.swallow = false;
    assert.equal((await store.read(signal)).record, null);
    assert.equal(state.connections, 2);
  });

  it("ends with its signal while it connects to one who is silent, and sends nothing later", async () => {
    const server = await serve();
    const { state, listener, url } = await relay(server);
    state.swallow = true;
    const impatient = new AbortController();
    const store = open(url);
    const asked = store.write(held("a"), { record: null, version: "0" }, true, impatient.signal);
    const [socket] = (await once(listener, "swallowed")) as [Socket];
    impatient.abort(new Error("stopped"));
    await assert.rejects(asked, /stopped/);
    if (!socket.destroyed) await once(socket, "close");
    state.swallow = false;
    assert.equal((await open(server.url).read(signal)).record, null);
  });

  it("has an election by a name that can be a part of a key", () => {
    for (const name of ["", "a b", "{a}", "a".repeat(254)])
      assert.throws(() => new RedisStore("redis://r", name), code("bad-election-name"));
  });

  it("is refused at once where nobody listens", async () => {
    const listener = createServer().listen(0, "127.0.0.1");
    await once(listener, "listening");
    const { port } = listener.address() as AddressInfo;
    listener.close();
    await assert.rejects(
      open(`redis://127.0.0.1:${port}`).read(signal),
      new RegExp(`no connection to Redis at 127.0.0.1:${port}: .*ECONNREFUSED`),
    );
  });
});

describe("a Redis with TLS", { skip: noTlsRedis }, () => {
  it("is trusted by the certificate authority of caFile, and by no other", async () => {
    const server = await TlsRedis.start();
    ends.push(() => server.end());
    const { url, caFile } = server;
    await acquire(open(url, { caFile }));
    await assert.rejects(open(url).read(signal), /self-signed certificate/);
  });
});
