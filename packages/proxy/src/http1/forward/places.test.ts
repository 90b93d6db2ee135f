/** Who gets a place for a connection, and when: maxConnections, the line, and a machine without sockets. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Upstream, upstreamConfig } from "@outrigger/upstream";
import { VirtualClock } from "@outrigger/core/testing";
import { Head } from "../codec/head.ts";
import { answering, Backend, eventually, holding, OK, startProxy } from "../testing/bench-of-parts.ts";
import { ConnectionPool, type Waiter } from "./connection-pool.ts";
import type { Http1Metrics } from "./http1-metrics.ts";
import { HTTP1_DEFAULTS, Settings } from "./settings.ts";

const GET = (path: string): string => `GET ${path} HTTP/1.1\r\nHost: shop\r\n\r\n`;
const POST = "POST / HTTP/1.1\r\nHost: shop\r\nContent-Length: 1\r\n\r\na";

/** A pool with no listener before it, whose endpoint is never dialled. */
function poolAlone(): AsyncDisposable & { clock: VirtualClock; pool: ConnectionPool; settings: Settings } {
  const clock = new VirtualClock();
  const upstream = new Upstream("test", upstreamConfig({ endpoints: ["127.0.0.1:1"] }), { clock });
  const head = new Head({ maxBytes: 1024, maxFields: 10 });
  const pool = new ConnectionPool(clock, {} as Http1Metrics, head, () => {});
  return {
    clock,
    pool,
    settings: new Settings(clock, HTTP1_DEFAULTS, upstream, null),
    async [Symbol.asyncDispose]() {
      pool.close();
      await upstream.stop();
    },
  };
}

describe("when an endpoint's connections are all busy", () => {
  it("a request goes to another that has a place, instead of waiting", async () => {
    const [one, other] = [await holding(), await holding()];
    await using proxy = await startProxy({
      backends: [one.backend, other.backend],
      upstream: { maxConnections: 1 },
    });
    const [holder, client] = [await proxy.client(), await proxy.client()];
    holder.write(GET("/held"));
    await eventually(() => one.backend.arrivals.length + other.backend.arrivals.length === 1);
    for (let n = 0; n < 6; n++) {
      client.write(GET(`/${n}`));
      assert.equal((await client.message()).body, "ok");
    }
    assert.equal(proxy.upstream.limits.pending, 0);
    one.release();
    other.release();
    assert.equal((await holder.message()).body, "ok");
  });

  it("a POST takes the place of a connection that has been idle for too long to carry it", async () => {
    const clock = new VirtualClock();
    const backend = await answering(OK);
    await using proxy = await startProxy({ backends: [backend], clock, upstream: { maxConnections: 1 } });
    const client = await proxy.client();
    client.write(GET("/"));
    await client.message();
    clock.advance(1500);
    client.write(POST);
    assert.equal((await client.message()).body, "ok");
    assert.equal(backend.connections.length, 2);
    assert.equal(proxy.listener.pool.size, 1);
  });

  it("the line is served first come, first served", async () => {
    const { backend, release } = await holding();
    await using proxy = await startProxy({ backends: [backend], upstream: { maxConnections: 1 } });
    const holder = await proxy.client();
    holder.write(GET("/held"));
    await eventually(() => backend.arrivals.length === 1);
    const waiting = [];
    for (let n = 1; n <= 5; n++) {
      const client = await proxy.client();
      waiting.push(client);
      client.write(GET(`/${n}`));
      await eventually(() => proxy.upstream.limits.pending === n);
    }
    release();
    for (const client of [holder, ...waiting]) assert.equal((await client.message()).body, "ok");
    assert.deepEqual(
      backend.arrivals.map((head) => head.split(" ")[1]),
      ["/held", "/1", "/2", "/3", "/4", "/5"],
    );
    assert.equal(proxy.upstream.limits.pending, 0);
  });

  it("places that a reload brings are found within a second, by all that wait", async () => {
    const clock = new VirtualClock();
    const { backend, release } = await holding();
    const limits = { endpoints: [backend.key], maxConnections: 1 };
    await using proxy = await startProxy({ backends: [backend], clock, upstream: limits });
    for (let n = 0; n < 5; n++) (await proxy.client()).write(GET("/held"));
    await eventually(() => proxy.upstream.limits.pending === 4);
    proxy.upstream.update(upstreamConfig({ ...limits, maxConnections: 4 }));
    clock.advance(1000);
    await eventually(() => backend.arrivals.length === 4);
    assert.equal(proxy.upstream.limits.pending, 1);
    release();
    await eventually(() => proxy.upstream.active === 0);
  });
});

describe("without a socket for a connection", () => {
  it("requests wait, nothing is held against the endpoint, and all are answered when there are sockets again", async () => {
    const clock = new VirtualClock();
    const backend = await answering(OK);
    await using proxy = await startProxy({
      backends: [backend],
      clock,
      upstream: { endpoints: [backend.key], retries: 0, ejectAfter: 1 },
    });
    const { pool } = proxy.listener;
    const clients = await Promise.all(Array.from({ length: 5 }, () => proxy.client()));
    pool.gotNoSocket("EMFILE");
    for (const client of clients) client.write(GET("/"));
    await eventually(() => proxy.upstream.limits.pending === 5);
    assert.equal(pool.size, 0);
    clock.advance(1000);
    for (const client of clients) assert.equal((await client.message()).body, "ok");
    const { available } = proxy.upstream.describe(clock.now());
    assert.equal(available, 1);
  });
});

describe("while sockets are short", () => {
  const CLOSING = "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok";

  it("each that another connection gives back serves the next in the line, at once", async () => {
    const clock = new VirtualClock();
    const backend = await answering(CLOSING);
    await using proxy = await startProxy({ backends: [backend], clock });
    const clients = await Promise.all(Array.from({ length: 5 }, () => proxy.client()));
    proxy.listener.pool.gotNoSocket("EMFILE");
    for (const client of clients) client.write(GET("/"));
    await eventually(() => proxy.upstream.limits.pending === 5);
    proxy.listener.pool.socketFreed();
    for (const client of clients) assert.equal((await client.message()).body, "ok");
    assert.equal(backend.connections.length, 5);
  });

  it("one socket that is freed is for one connection", async () => {
    const clock = new VirtualClock();
    const { backend, release } = await holding();
    await using proxy = await startProxy({ backends: [backend], clock });
    const clients = await Promise.all(Array.from({ length: 3 }, () => proxy.client()));
    proxy.listener.pool.gotNoSocket("EMFILE");
    for (const client of clients) client.write(GET("/held"));
    await eventually(() => proxy.upstream.limits.pending === 3);
    proxy.listener.pool.socketFreed();
    await eventually(() => backend.arrivals.length === 1);
    assert.deepEqual([proxy.listener.pool.size, proxy.upstream.limits.pending], [1, 2]);
    release();
    for (const client of clients) assert.equal((await client.message()).body, "ok");
  });

  it("nobody is turned away while connections come back from their requests", async () => {
    const clock = new VirtualClock();
    await using proxy = await startProxy({ backends: [await answering(OK)], clock });
    const { pool, settings } = proxy.listener;
    const client = await proxy.client();
    const turnedAway: string[] = [];
    const waiter: Waiter = {
      startedAt: 0,
      turnAway: (detail) => void turnedAway.push(detail),
      tryPlace: () => (pool.gotNoSocket("EMFILE"), false),
    };
    client.write(GET("/"));
    await client.message();
    assert.ok(pool.wait(waiter, settings));
    for (let second = 0; second < 10; second++) {
      pool.gotNoSocket("EMFILE");
      clock.advance(1000);
      client.write(GET("/"));
      await client.message();
    }
    assert.deepEqual(turnedAway, []);
    pool.leaveLine(waiter, settings);
  });

  it("a client that leaves gives its own to one that waits", async () => {
    const clock = new VirtualClock();
    await using proxy = await startProxy({ backends: [await answering(OK)], clock });
    const [leaver, waiter] = [await proxy.client(), await proxy.client()];
    await eventually(() => proxy.listener.connections() === 2);
    proxy.listener.pool.gotNoSocket("EMFILE");
    waiter.write(GET("/"));
    await eventually(() => proxy.upstream.limits.pending === 1);
    leaver.reset();
    assert.equal((await waiter.message()).body, "ok");
  });

  it("a line that is stuck turns its newest away, one a second, and keeps the rest", async () => {
    await using alone = poolAlone();
    const { clock, pool, settings } = alone;
    const turnedAway: number[] = [];
    const waiters = [1, 2, 3, 4].map((startedAt): Waiter => {
      const waiter: Waiter = {
        startedAt,
        turnAway: () => {
          turnedAway.push(startedAt);
          pool.leaveLine(waiter, settings);
        },
        tryPlace: () => (pool.gotNoSocket("EMFILE"), false),
      };
      return waiter;
    });
    pool.gotNoSocket("EMFILE");
    for (const waiter of waiters) assert.ok(pool.wait(waiter, settings));
    clock.advance(5000);
    assert.deepEqual(turnedAway, []);
    clock.advance(2000);
    assert.deepEqual(turnedAway, [4, 3]);
  });

  it("who waits again keeps the place that its request's beginning gives it", async () => {
    await using alone = poolAlone();
    const { clock, pool, settings } = alone;
    const asked: number[] = [];
    const waiter = (startedAt: number): Waiter => ({
      startedAt,
      turnAway: () => {},
      tryPlace: () => asked.push(startedAt) > 0,
    });
    for (const startedAt of [2, 4, 1, 3, 3]) assert.ok(pool.wait(waiter(startedAt), settings));
    clock.advance(1000);
    assert.deepEqual(asked, [1, 2, 3, 3, 4]);
  });
});

it("an answer with surplus bytes behind it is whole, and its connection serves nobody else", async () => {
  const backend = await Backend.start(async (connection) => {
    for (;;) {
      const { head } = await connection.message().catch(() => ({ head: "" }));
      if (head === "") return;
      connection.write(`${OK}HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil`);
    }
  });
  await using proxy = await startProxy({ backends: [backend] });
  const client = await proxy.client();
  for (let n = 1; n <= 3; n++) {
    client.write(GET("/"));
    assert.equal((await client.message()).body, "ok");
    assert.equal(backend.connections.length, n);
  }
});

it("sixteen interim answers are each request's own allowance, not the connection's", async () => {
  const backend = await answering(`${"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n".repeat(16)}${OK}`);
  await using proxy = await startProxy({ backends: [backend] });
  const client = await proxy.client();
  for (let n = 0; n < 3; n++) {
    client.write(GET("/"));
    for (let hints = 0; hints < 16; hints++) assert.match(await client.take("\r\n\r\n"), /^HTTP\/1\.1 103 /);
    assert.equal((await client.message()).body, "ok");
  }
  assert.equal(backend.connections.length, 1);
});
