/** Connections that BullMQ ends and dials again, on a real Redis. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { test } from "node:test";
import { noRedisServer, RedisServer } from "@outrigger/core/testing";
import type { Redis } from "ioredis";
import { RedisClients } from "./redis-clients.ts";

test(
  "a connection that was ended can be dialled again, until all are ended for good",
  { skip: noRedisServer },
  async () => {
    const redis = await RedisServer.start();
    let logins = 0;
    for (const login of [
      null,
      async () => ({ host: "127.0.0.1", port: redis.port, password: `${logins++}` }),
    ]) {
      const clients = new RedisClients(login);
      const client = clients.open({ host: "127.0.0.1", port: redis.port });
      await once(client, "ready");
      for (const one of [client, client.duplicate()]) {
        if (one.status !== "ready") await once(one, "ready");
        // As BullMQ does with one that went silent.
        const ended = once(one, "end");
        one.disconnect();
        await ended;
        await one.connect();
        assert.equal(await one.ping(), "PONG");
      }
      clients.end();
      if (client.status !== "end") await once(client, "end");
      await assert.rejects(client.connect(), /Connection is closed/);
    }
    assert.ok(logins >= 2);
    await redis.end();
  },
);

test("one that is ended while it waits to dial again says so", { skip: noRedisServer }, async () => {
  const redis = await RedisServer.start();
  const client = new RedisClients(null).open({
    host: "127.0.0.1",
    port: redis.port,
    retryStrategy: () => 60_000,
  });
  await once(client, "ready");
  const waiting = once(client, "reconnecting");
  await redis.crash();
  await waiting;
  const ended = once(client, "end");
  client.disconnect();
  await ended;
  await redis.end();
});

test(
  "where one hears that it is at a replica all are dialled anew, after a pause",
  { skip: noRedisServer },
  async () => {
    const redis = await RedisServer.start();
    const clients = new RedisClients(null);
    const asks = clients.open({ host: "127.0.0.1", port: redis.port });
    const reads = asks.duplicate();
    await Promise.all([once(asks, "ready"), once(reads, "ready")]);
    // Of an error once() would tell instead.
    const heard = <Said>(client: Redis, event: string): Promise<Said> =>
      new Promise((resolve) => client.once(event, resolve));
    const left = Promise.all([asks, reads].map((client) => heard<number>(client, "reconnecting")));
    await asks.replicaof("127.0.0.1", 1);
    await assert.rejects(asks.eval("return redis.call('set', 'a', 'b')", 0), /READONLY/);
    for (const pause of await left) assert.ok(pause >= 1_000, `${pause}`);
    await Promise.all([asks, reads].map((client) => heard(client, "ready")));
    await asks.replicaof("NO", "ONE");
    assert.equal(await asks.set("a", "b"), "OK");
    clients.end();
    await redis.end();
  },
);
