/** The line for a place with an endpoint that has as many requests as it may. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { VirtualClock } from "@outrigger/core/testing";
import { Backend, eventually, holding, OK, startProxy, turns } from "../testing/bench-of-parts.ts";
import { lined } from "../testing/lined.ts";

const HELD = "GET /held HTTP/1.1\r\nHost: shop\r\n\r\n";
const SWITCHED = "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n";
const GET = "GET / HTTP/1.1\r\nHost: shop\r\n\r\n";

describe("a request in the line", () => {
  it("gets a 503 with Retry-After when maxWait is over, and its connection goes on", async () => {
    const { clock, release, proxy, first, second } = await lined({ maxWait: 1_000 });
    await using _ = proxy;
    clock.advance(999);
    await turns(20);
    assert.equal(proxy.listener.pool.waiting, 1);
    clock.advance(1);
    const { head, body } = await second.message();
    assert.match(
      head,
      /^HTTP\/1.1 503 .*retry-after: 1\r\nx-outrigger-reason: max-wait\r\nconnection: keep-/s,
    );
    assert.match(
      body,
      /^outrigger: all connections to 127\.0\.0\.1:\d+ are busy \(.*\), and none ended within 1000 ms \(maxWait\)\n$/,
    );
    assert.equal(await proxy.metric("outrigger_http_timeouts_total", { kind: "pending" }), 1);
    assert.deepEqual([proxy.listener.pool.waiting, proxy.upstream.limits.pending], [0, 0]);
    release();
    await first.message();
    second.write(GET);
    assert.equal((await second.message()).body, "ok");
  });

  it("waits without a limit when there is none: hold is for a workload that is away", async () => {
    const { clock, release, proxy, first, second } = await lined({ hold: 1_000 });
    await using _ = proxy;
    clock.advance(200_000);
    release();
    for (const client of [first, second]) assert.equal((await client.message()).body, "ok");
  });

  it("is not late any more once it has a place, however long its answer takes", async () => {
    const { clock, backend, release, proxy, first, second } = await lined({ maxWait: 1_000 });
    await using _ = proxy;
    const third = await proxy.client();
    release();
    for (const client of [first, second]) await client.message();
    const again = await holding();
    assert.ok(again.backend.port !== backend.port);
    again.backend.stop();
    third.write(GET);
    assert.equal((await third.message()).body, "ok");
    clock.advance(10_000);
    await turns(20);
    second.write(GET);
    assert.equal((await second.message()).body, "ok");
  });

  it("has maxWait also while a gate keeps requests back, where nothing is held", async () => {
    const { clock, backend, release, proxy, first, second } = await lined({ maxWait: 1_000 });
    await using _ = proxy;
    clock.advance(400);
    proxy.listener.pool.withhold();
    const third = await proxy.client();
    third.write(GET);
    await eventually(() => proxy.listener.pool.waiting === 2);
    clock.advance(600);
    assert.match((await second.message()).head, /x-outrigger-reason: max-wait\r\n/);
    assert.equal(proxy.listener.pool.waiting, 1);
    clock.advance(400);
    assert.match((await third.message()).head, /x-outrigger-reason: max-wait\r\n/);
    release();
    await first.message();
    assert.equal(backend.arrivals.length, 1);
  });

  it("waits for a workload that has gone as long as hold says, and for its place then as long as maxWait says", async () => {
    const { clock, release, proxy, first, second } = await lined({ maxWait: 1_000, hold: 5_000 });
    await using _ = proxy;
    const { pool } = proxy.listener;
    clock.advance(900);
    pool.workloadRefuses("ECONNREFUSED");
    clock.advance(4_000);
    await turns(20);
    assert.equal(pool.waiting, 1);
    pool.opened();
    clock.advance(999);
    await turns(20);
    assert.equal(pool.waiting, 1);
    clock.advance(1);
    assert.match((await second.message()).head, /x-outrigger-reason: max-wait\r\n/);
    release();
    await first.message();
  });
});

it("a tunnel takes no place from requests where these are what is limited", async () => {
  const backend = await Backend.start(async (connection) => {
    for (;;) {
      const { head } = await connection.message().catch(() => ({ head: "" }));
      if (head === "") return;
      connection.write(/upgrade: websocket/i.test(head) ? SWITCHED : OK);
    }
  });
  await using proxy = await startProxy({ backends: [backend], upstream: { adaptiveConcurrency: true } });
  const [endpoint] = proxy.upstream.endpoints;
  assert.ok(endpoint?.adaptive);
  endpoint.adaptive.configure({ adaptiveMin: 1, adaptiveTolerance: 1.5, maxConnections: 1 });
  const [socket, plain] = [await proxy.client(), await proxy.client()];
  socket.write("GET /chat HTTP/1.1\r\nHost: shop\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n");
  plain.write(GET);
  assert.equal((await plain.message()).body, "ok");
  await eventually(() => endpoint.tunnels === 1);
  plain.write(GET);
  assert.equal((await plain.message()).body, "ok");
  socket.reset();
  await eventually(() => endpoint.tunnels === 0 && endpoint.connections <= 1);
});

it("a connection that becomes idle while its endpoint has more than it may have now is closed", async () => {
  const clock = new VirtualClock();
  const { backend, release } = await holding();
  await using proxy = await startProxy({
    backends: [backend],
    clock,
    upstream: { adaptiveConcurrency: true },
  });
  const clients = [await proxy.client(), await proxy.client(), await proxy.client()];
  for (const client of clients) client.write(HELD);
  await eventually(() => backend.arrivals.length === 3);
  const [endpoint] = proxy.upstream.endpoints;
  assert.ok(endpoint?.adaptive);
  endpoint.adaptive.configure({ adaptiveMin: 1, adaptiveTolerance: 1.5, maxConnections: 1 });
  const fourth = await proxy.client();
  fourth.write(GET);
  await eventually(() => proxy.listener.pool.waiting === 1);
  release();
  for (const client of [...clients, fourth]) assert.equal((await client.message()).body, "ok");
  await eventually(() => proxy.listener.pool.size === 1);
  assert.equal(endpoint.connections, 1);
});
