/** A gate keeps requests back so that its workload can finish what it has, and lets them go on, or tells them off. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { VirtualClock } from "@outrigger/core/testing";
import { eventually, holding, startProxy, turns } from "../testing/bench-of-parts.ts";
import { lined } from "../testing/lined.ts";

const GET = "GET / HTTP/1.1\r\nHost: shop\r\n\r\n";
const POST = "POST / HTTP/1.1\r\nHost: shop\r\nContent-Length: 3\r\n\r\nabc";

describe("while a gate keeps requests back so that its workload can finish what it has", () => {
  /** One request is with the workload, one has come since. */
  async function keptBack(hold = 10_000, http: object = {}, upstream: object = {}) {
    const clock = new VirtualClock();
    const { backend, release } = await holding();
    const proxy = await startProxy({ backends: [backend], clock, http: { hold, ...http }, upstream });
    const [first, second] = [await proxy.client(), await proxy.client()];
    first.write("GET /held HTTP/1.1\r\nHost: shop\r\n\r\n");
    await eventually(() => backend.arrivals.length === 1);
    proxy.listener.pool.withhold();
    second.write(POST);
    await eventually(() => proxy.listener.inFlight() === 2);
    return { clock, backend, release, proxy, first, second, pool: proxy.listener.pool };
  }

  it("what it has goes on to its end, and what comes waits until it is let go", async () => {
    const { backend, release, proxy, first, second, pool } = await keptBack();
    await using _ = proxy;
    release();
    assert.equal((await first.message()).body, "ok");
    await turns(20);
    assert.deepEqual([backend.arrivals.length, pool.waiting], [1, 1]);
    assert.ok(pool.letGo());
    assert.equal((await second.message()).body, "ok");
    assert.equal(backend.arrivals.length, 2);
    assert.ok(!pool.letGo(), "that was over already");
  });

  it("one that has waited for as long as it may lets all go on: the workload is there", async () => {
    const { clock, release, proxy, second, pool } = await keptBack(1_000);
    await using _ = proxy;
    clock.advance(1_000);
    assert.equal((await second.message()).body, "ok");
    assert.equal(pool.waiting, 0);
    const third = await proxy.client();
    third.write(GET);
    assert.equal((await third.message()).body, "ok");
    release();
  });

  it("a line that is full lets all go on: nobody is turned away for our own sake", async () => {
    const { release, proxy, second, pool } = await keptBack(10_000, {}, { maxPending: 1 });
    await using _ = proxy;
    const third = await proxy.client();
    third.write(POST);
    for (const client of [second, third]) assert.equal((await client.message()).body, "ok");
    assert.deepEqual([pool.waiting, pool.awaitsWorkload], [0, false]);
    release();
  });

  it("when the workload then refuses connections they wait for it as ever, each from when it came", async () => {
    const { clock, backend, release, proxy, first, second, pool } = await keptBack(1_000, {
      upstreamIdleTimeout: 0,
    });
    await using _ = proxy;
    release();
    await first.message();
    clock.advance(600);
    backend.stop();
    pool.workloadRefuses("ECONNREFUSED");
    clock.advance(399);
    await eventually(() => pool.size === 0);
    assert.equal(pool.waiting, 1);
    clock.advance(1);
    assert.match((await second.message()).head, /^HTTP\/1.1 503 .*x-outrigger-reason: workload-away\r\n/s);
  });

  it("nor do they go onto connections that a workload keeps which has closed its port: it ends", async () => {
    const { backend, release, proxy, first, pool } = await keptBack();
    await using _ = proxy;
    release();
    await first.message();
    backend.server.close();
    pool.workloadRefuses("ECONNREFUSED");
    const third = await proxy.client();
    third.write(POST);
    await eventually(() => proxy.listener.inFlight() === 2);
    await turns(20);
    assert.deepEqual([pool.waiting, backend.arrivals.length, pool.size], [2, 1, 1]);
  });

  it("when the workload does not come back, whoever waits is told, and whoever comes, on connections that end", async () => {
    const { backend, release, proxy, first, second, pool } = await keptBack(10_000, {
      upstreamIdleTimeout: 0,
    });
    await using _ = proxy;
    const third = await proxy.client();
    release();
    await first.message();
    backend.stop();
    pool.workloadGone();
    third.write(GET);
    for (const client of [second, third]) {
      const { head, body } = await client.message();
      assert.match(head, /^HTTP\/1.1 503 .*retry-after: 1\r\nx-outrigger-reason: workload-away\r\n/s);
      assert.match(head, /\r\nconnection: close\r\n/);
      assert.match(
        body,
        /refuses connections \(its process has ended\), and it does not come back: its pod ends\n$/,
      );
    }
    assert.deepEqual([pool.waiting, proxy.upstream.limits.pending, proxy.upstream.active], [0, 0, 0]);
  });

  it("who waited for a place before waits for the workload now: no longer than hold", async () => {
    const { clock, backend, release, proxy, first, second } = await lined({ hold: 1_000 });
    await using _ = proxy;
    const { pool } = proxy.listener;
    backend.server.close();
    pool.workloadRefuses("ECONNREFUSED");
    clock.advance(1_000);
    assert.match((await second.message()).head, /^HTTP\/1.1 503 .*x-outrigger-reason: workload-away\r\n/s);
    release();
    assert.equal((await first.message()).body, "ok");
  });

  it("and no longer for its sake, once it is back", async () => {
    const { clock, release, proxy, first, second } = await lined({ hold: 1_000 });
    await using _ = proxy;
    const { pool } = proxy.listener;
    pool.workloadRefuses("ECONNREFUSED");
    pool.opened();
    clock.advance(5_000);
    await turns(20);
    assert.equal(pool.waiting, 1);
    release();
    for (const client of [first, second]) assert.equal((await client.message()).body, "ok");
  });

  it("who is let go to a workload that refuses waits for it, for a span of its own", async () => {
    const { clock, backend, release, proxy, first, second, pool } = await keptBack(1_000, {
      upstreamIdleTimeout: 0,
    });
    await using _ = proxy;
    release();
    await first.message();
    backend.stop();
    clock.advance(900);
    pool.letGo();
    await eventually(() => pool.waiting === 1 && pool.size === 0);
    for (let time = 0; time < 1_000; time += 100) {
      assert.equal(pool.waiting, 1);
      clock.advance(100);
      await eventually(() => pool.size === 0);
    }
    assert.match((await second.message()).head, /^HTTP\/1.1 503 .*x-outrigger-reason: workload-away\r\n/s);
  });

  it("who waited for a place before is among those whose wait ends it", async () => {
    const { clock, release, proxy, first, second } = await lined({ hold: 1_000 });
    await using _ = proxy;
    const { pool } = proxy.listener;
    pool.withhold();
    clock.advance(1_000);
    release();
    for (const client of [first, second]) assert.equal((await client.message()).body, "ok");
  });
});
