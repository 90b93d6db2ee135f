/** A want of sockets on the data path: who waits, who is served next, who is turned away. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Upstream, upstreamConfig, type Endpoint } from "@outrigger/upstream";
import { VirtualClock } from "@outrigger/core/testing";
import { Head } from "../codec/head.ts";
import { answering, eventually, holding, OK, startProxy, turns } from "../testing/bench-of-parts.ts";
import type { ByteStream } from "../testing/byte-stream.ts";
import { ConnectionPool, type Waiter } from "./connection-pool.ts";
import type { Http1Metrics } from "./http1-metrics.ts";
import { HTTP1_DEFAULTS, Settings } from "./settings.ts";

const GET = (path: string): string => `GET ${path} HTTP/1.1\r\nHost: shop\r\n\r\n`;

/** From now on the kernel has no socket for a connection of this pool. */
function takeSockets(pool: ConnectionPool): void {
  const open = pool.open.bind(pool);
  pool.open = (...request) => {
    const connection = open(...request);
    connection?.socket.destroy(Object.assign(new Error("connect EMFILE"), { code: "EMFILE" }));
    return connection;
  };
}

/** A pool with no listener before it, whose endpoint is never dialled. */
function poolAlone(
  noSockets: (detail: string) => void = () => {},
): AsyncDisposable & { clock: VirtualClock; pool: ConnectionPool; settings: Settings } {
  const clock = new VirtualClock();
  const upstream = new Upstream("test", upstreamConfig({ endpoints: ["127.0.0.1:1"] }), { clock });
  const head = new Head({ maxBytes: 1024, maxFields: 10 });
  const pool = new ConnectionPool(clock, {} as Http1Metrics, head, noSockets);
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

/** One for whom there is never a place. */
const WAITER: Waiter = {
  heldBytes: 0,
  startedAt: 0,
  tryPlace: () => false,
  turnAway: () => {},
  awaitWorkload: () => {},
  workloadIsBack: () => {},
  workloadIsGone: () => {},
};

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

  it("one that was given back before anybody waited serves who comes next, at once", async () => {
    await using proxy = await startProxy({ backends: [await answering(OK)], clock: new VirtualClock() });
    const client = await proxy.client();
    proxy.listener.pool.gotNoSocket("EMFILE");
    proxy.listener.pool.socketFreed();
    client.write(GET("/"));
    assert.equal((await client.message()).body, "ok");
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
      ...WAITER,
      turnAway: ({ message }) => void turnedAway.push(message),
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
        ...WAITER,
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

  it("and no connection is open, who asks is turned away at once, with its own connection", async () => {
    await using proxy = await startProxy({ backends: [await answering(OK)], clock: new VirtualClock() });
    takeSockets(proxy.listener.pool);
    const client = await proxy.client();
    client.write(GET("/"));
    const { head, body } = await client.message();
    assert.match(
      head,
      /^HTTP\/1.1 503 .*retry-after: 1\r\nx-outrigger-reason: no-socket.*connection: close/s,
    );
    assert.match(
      body,
      /no socket for a connection to an endpoint, connect EMFILE: raise the limit of open files, or set maxConnections/,
    );
    await client.end();
    assert.equal(proxy.upstream.active, 0);
  });

  it("and one is, a request waits for it, as if it had not tried; beyond maxPending it is turned away", async () => {
    const { backend, release } = await holding();
    await using proxy = await startProxy({
      backends: [backend],
      clock: new VirtualClock(),
      upstream: { maxPending: 1 },
      http: { explain: true },
    });
    const clients = await Promise.all(Array.from({ length: 3 }, () => proxy.client()));
    const [holder, waiter, tooMany] = clients as [ByteStream, ByteStream, ByteStream];
    holder.write(GET("/held"));
    await eventually(() => backend.arrivals.length === 1);
    takeSockets(proxy.listener.pool);
    waiter.write(GET("/waits"));
    await eventually(() => proxy.upstream.limits.pending === 1);
    tooMany.write(GET("/"));
    const refused = await tooMany.message();
    assert.match(refused.head, /^HTTP\/1.1 503 .*x-outrigger-reason: no-socket.*connection: close/s);
    assert.match(refused.body, /and the line is full \(maxPending\)/);
    release();
    await holder.message();
    assert.match((await waiter.message()).head, /^HTTP\/1.1 200 .*x-outrigger-attempts: 1\r\n/s);
  });

  it("a shortage in which nobody waits ends by itself, and the next one is told, too", async () => {
    const told: string[] = [];
    await using alone = poolAlone((detail) => told.push(detail));
    const { clock, pool } = alone;
    pool.gotNoSocket("first");
    pool.gotNoSocket("the same");
    clock.advance(2000);
    pool.gotNoSocket("second");
    assert.deepEqual(told, ["first", "second"]);
  });

  it("a connection that got no socket gives none back", async () => {
    await using alone = poolAlone();
    const { clock, pool, settings } = alone;
    await settings.upstream.start();
    const endpoint = settings.upstream.endpoints[0] as Endpoint;
    let opened = 0;
    const tryPlace = (): boolean => {
      if (opened > 3) return false;
      const connection = pool.open(endpoint, settings, clock.now());
      if (connection === null) return false;
      opened++;
      connection.socket.destroy(Object.assign(new Error("connect EMFILE"), { code: "EMFILE" }));
      return false;
    };
    assert.ok(pool.wait({ ...WAITER, tryPlace }, settings));
    tryPlace();
    await eventually(() => pool.lacksSockets && pool.size === 0);
    await turns(20);
    assert.equal(opened, 1);
  });

  it("who waits again keeps the place that its request's beginning gives it", async () => {
    await using alone = poolAlone();
    const { clock, pool, settings } = alone;
    const asked: number[] = [];
    const waiter = (startedAt: number): Waiter => ({
      ...WAITER,
      startedAt,
      tryPlace: () => asked.push(startedAt) > 0,
    });
    for (const startedAt of [2, 4, 1, 3, 3]) assert.ok(pool.wait(waiter(startedAt), settings));
    clock.advance(1000);
    assert.deepEqual(asked, [1, 2, 3, 3, 4]);
  });
});
