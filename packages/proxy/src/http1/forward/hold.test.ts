/** A gate's requests wait for a workload that starts or restarts. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { freePort, VirtualClock } from "@outrigger/core/testing";
import {
  Backend,
  eventually,
  OK,
  startProxy,
  turns,
  type ProxyUnderTest,
} from "../testing/bench-of-parts.ts";
import type { ByteStream } from "../testing/byte-stream.ts";
import { HTTP1_DEFAULTS } from "./settings.ts";

const GET = "GET / HTTP/1.1\r\nHost: shop\r\n\r\n";
const POST = "POST / HTTP/1.1\r\nHost: shop\r\nContent-Length: 3\r\n\r\nabc";

/** A gate before a port on which nobody listens yet, and the workload that may come there. */
async function gate(hold = 10_000, upstream: object = {}, http: object = {}) {
  const clock = new VirtualClock();
  const port = await freePort();
  const proxy = await startProxy({
    backends: [],
    clock,
    upstream: { endpoints: [`127.0.0.1:${port}`], ...upstream },
    http: { hold, ...http },
  });
  const { pool } = proxy.listener;
  let opened = 0;
  const open = pool.open.bind(pool);
  pool.open = (...request) => {
    const connection = open(...request);
    if (connection !== null) opened++;
    return connection;
  };
  /** It answers when so many requests have arrived. */
  const comes = (together = 1): Promise<Backend> =>
    Backend.start(async (connection) => {
      for (;;) {
        const { head } = await connection.message().catch(() => ({ head: "" }));
        if (head === "") return;
        workload.arrivals.push(head.slice(0, head.indexOf(" ")));
        if (workload.arrivals.length === together) answer();
        await answered;
        connection.write(OK);
      }
    }, port).then((backend) => (workload = backend));
  let answer = (): void => {};
  const answered = new Promise<void>((resolve) => (answer = resolve));
  let workload: Backend;
  return {
    clock,
    proxy,
    comes,
    opened: () => opened,
    async [Symbol.asyncDispose]() {
      await proxy[Symbol.asyncDispose]();
      workload?.stop();
    },
  };
}

/** So many requests that have found nobody, and wait. */
async function waiting(proxy: ProxyUnderTest, requests: readonly string[]): Promise<ByteStream[]> {
  const clients: ByteStream[] = [];
  for (const request of requests) {
    const client = await proxy.client();
    client.write(request);
    clients.push(client);
    await eventually(() => proxy.upstream.limits.pending === clients.length);
  }
  await eventually(() => proxy.listener.pool.size === 0);
  return clients;
}

/** Its next connection neither opens nor fails, as where packets are dropped or a backlog is full. */
function hangNext(pool: ProxyUnderTest["listener"]["pool"]): void {
  const open = pool.open.bind(pool);
  pool.open = (...request) => {
    pool.open = open;
    const connection = open(...request);
    connection?.socket.removeAllListeners();
    connection?.socket.on("error", () => {});
    return connection;
  };
}

describe("while the workload behind a gate refuses connections", () => {
  it("requests wait, whatever their method, and each is sent once when it is there, all at once", async () => {
    await using bench = await gate();
    const { clock, proxy } = bench;
    const clients = await waiting(proxy, [GET, POST, GET, POST]);
    const { arrivals } = await bench.comes(4);
    clock.advance(100);
    for (const client of clients) assert.equal((await client.message()).body, "ok");
    assert.deepEqual([...arrivals].sort(), ["GET", "GET", "POST", "POST"]);
    assert.equal(proxy.upstream.limits.pending, 0);
    assert.equal(proxy.upstream.active, 0);
  });

  it("hold is over for who was sent: an answer may take longer", async () => {
    await using bench = await gate(1000);
    const { clock, proxy } = bench;
    const [held] = (await waiting(proxy, [GET])) as [ByteStream];
    const { arrivals } = await bench.comes(2);
    clock.advance(100);
    await eventually(() => arrivals.length === 1);
    clock.advance(2000);
    const other = await proxy.client();
    other.write(GET);
    for (const client of [held, other]) assert.match((await client.message()).head, /^HTTP\/1.1 200 /);
  });

  it("and for who was answered otherwise: the next request on its connection has a span of its own", async () => {
    await using bench = await gate(1000, {}, { timeout: 500 });
    const { clock, proxy } = bench;
    const [client] = (await waiting(proxy, [GET])) as [ByteStream];
    clock.advance(500);
    assert.match((await client.message()).head, /^HTTP\/1.1 504 .*x-outrigger-reason: timeout/s);
    proxy.listener.reconfigure({ ...HTTP1_DEFAULTS, hold: 1000 }, null);
    await eventually(() => proxy.listener.pool.size === 0);
    const { arrivals } = await bench.comes(3);
    const others = [await proxy.client(), await proxy.client()] as const;
    others[0].write(GET);
    await eventually(() => proxy.upstream.limits.pending === 1);
    clock.advance(100);
    await eventually(() => arrivals.length === 1);
    client.write(GET);
    await eventually(() => arrivals.length === 2);
    clock.advance(800);
    others[1].write(GET);
    for (const each of [client, ...others]) assert.match((await each.message()).head, /^HTTP\/1.1 200 /);
  });

  it("one of them tries each 100 ms, and who comes later does not", async () => {
    await using bench = await gate();
    const { clock, proxy } = bench;
    await waiting(proxy, [GET]);
    assert.equal(bench.opened(), 1);
    await waiting(proxy, []);
    const late = [await proxy.client(), await proxy.client()];
    for (const client of late) client.write(GET);
    await eventually(() => proxy.upstream.limits.pending === 3);
    assert.equal(bench.opened(), 1);
    for (let tries = 2; tries < 6; tries++) {
      clock.advance(99);
      await turns(20);
      assert.equal(bench.opened(), tries - 1);
      clock.advance(1);
      await eventually(() => bench.opened() === tries && proxy.listener.pool.size === 0);
      assert.equal(proxy.upstream.limits.pending, 3);
    }
  });

  it("a client that leaves while it tries leaves the try to another", async () => {
    await using bench = await gate();
    const { clock, proxy } = bench;
    const [first, second] = (await waiting(proxy, [GET, GET])) as [ByteStream, ByteStream];
    const { pool } = proxy.listener;
    hangNext(pool);
    clock.advance(100);
    await eventually(() => pool.size === 1);
    first.reset();
    await eventually(() => pool.size === 0);
    await bench.comes();
    clock.advance(100);
    assert.equal((await second.message()).body, "ok");
  });

  it("it is answered 503 with Retry-After when hold is over, also who tries just then", async () => {
    await using bench = await gate(1000);
    const { clock, proxy } = bench;
    const clients = await waiting(proxy, [GET, POST]);
    for (let time = 0; time < 1000; time += 100) {
      clock.advance(100);
      await eventually(() => proxy.listener.pool.size === 0);
    }
    for (const client of clients) {
      const { head, body } = await client.message();
      assert.match(head, /^HTTP\/1.1 503 .*retry-after: 1\r\nx-outrigger-reason: workload-away\r\n/s);
      assert.match(
        body,
        /^outrigger: 127\.0\.0\.1:\d+ refuses connections \(connect ECONNREFUSED .*\), and it was not back within 1000 ms \(hold\)\n$/,
      );
    }
    assert.equal(proxy.upstream.limits.pending, 0);
    assert.equal(proxy.upstream.active, 0);
  });

  it("more than maxPending are refused at once", async () => {
    await using bench = await gate(1000, { maxPending: 1 });
    const { proxy } = bench;
    await waiting(proxy, [GET]);
    const client = await proxy.client();
    client.write(GET);
    const { head, body } = await client.message();
    assert.match(head, /^HTTP\/1.1 503 .*x-outrigger-reason: workload-away\r\n/s);
    assert.match(body, /refuses connections \(.*\), and the line is full \(maxPending\)/);
  });

  it("more bytes of bodies than maxPendingBytes, come or to come, are not kept: their requests are refused at once", async () => {
    await using bench = await gate(1000, {}, { maxPendingBytes: 10_000 });
    const { clock, proxy } = bench;
    const upload = "POST / HTTP/1.1\r\nHost: shop\r\nContent-Length: 9000\r\n\r\n";
    const [first] = (await waiting(proxy, [upload])) as [ByteStream];
    const [second, third] = [await proxy.client(), await proxy.client()];
    second.write(upload);
    const { head, body } = await second.message();
    assert.match(head, /^HTTP\/1.1 503 .*x-outrigger-reason: workload-away\r\n/s);
    assert.match(body, /, and those who wait hold 10000 bytes of bodies \(maxPendingBytes\)\n$/);
    third.write(GET);
    await eventually(() => proxy.listener.pool.waiting === 2);
    assert.equal(await proxy.metric("outrigger_http_requests_waiting"), 2);
    first.reset();
    await eventually(() => proxy.listener.pool.waiting === 1);
    const fourth = await proxy.client();
    fourth.write(upload);
    await eventually(() => proxy.listener.pool.waiting === 2);
    await bench.comes(1);
    clock.advance(100);
    assert.equal((await third.message()).body, "ok");
    fourth.write("x".repeat(9_000));
    assert.equal((await fourth.message()).body, "ok");
    assert.equal(proxy.listener.pool.waitingBytes, 0);
  });

  it("a connect that takes too long is waited out, too", async () => {
    await using bench = await gate(10_000);
    const { clock, proxy } = bench;
    const { pool } = proxy.listener;
    hangNext(pool);
    const client = await proxy.client();
    client.write(GET);
    await eventually(() => pool.size === 1);
    clock.advance(2_000);
    await eventually(() => pool.waiting === 1);
    await bench.comes();
    clock.advance(100);
    assert.equal((await client.message()).body, "ok");
  });

  it("a drain does not wait for what is held longer than hold", async () => {
    await using bench = await gate(1000);
    const { clock, proxy } = bench;
    const [client] = (await waiting(proxy, [GET])) as [ByteStream];
    const drained = proxy.listener.drain(new AbortController().signal);
    clock.advance(1000);
    assert.match((await client.message()).head, /^HTTP\/1.1 503 .*connection: close/s);
    client.close();
    assert.equal(await drained, 0);
  });

  it("a reload that ends holding lets nobody wait who comes after it", async () => {
    await using bench = await gate();
    const { clock, proxy } = bench;
    const [held] = (await waiting(proxy, [GET])) as [ByteStream];
    proxy.listener.reconfigure(HTTP1_DEFAULTS, null);
    const client = await proxy.client();
    client.write(POST);
    // Its attempts have pauses between them; it never stands in the line.
    for (let looks = 0; looks < 50; looks++) {
      await turns(5);
      assert.equal(proxy.upstream.limits.pending, 1);
      clock.advance(1);
    }
    assert.match((await client.message()).head, /^HTTP\/1.1 502 .*x-outrigger-reason: connect-failure/s);
    await bench.comes();
    clock.advance(100);
    assert.equal((await held.message()).body, "ok");
  });

  it("without hold it is a 502 at once", async () => {
    await using bench = await gate(0, { retries: 0 });
    const client = await bench.proxy.client();
    client.write(GET);
    assert.match((await client.message()).head, /^HTTP\/1.1 502 .*x-outrigger-reason: connect-failure/s);
  });
});

describe("when a workload dies with requests in flight", () => {
  for (const [sentence, hold, status] of [
    ["all that may be sent again are, whatever the retry budget", 1_000, 200],
    ["without a gate before it the budget rules", 0, 502],
  ] as const) {
    it(sentence, async () => {
      const backend = await Backend.start(async (connection, index) => {
        await connection.message();
        if (index < 3) connection.socket.resetAndDestroy();
        else connection.write(OK);
      });
      await using proxy = await startProxy({
        backends: [backend],
        upstream: { retryBudget: "0%", retryReserve: 0 },
        http: { hold },
      });
      const clients = [await proxy.client(), await proxy.client(), await proxy.client()];
      for (const client of clients) client.write(GET);
      for (const client of clients)
        assert.match((await client.message()).head, new RegExp(`^HTTP/1.1 ${status} `));
    });
  }

  it("but no more often than retries allow, and a POST not at all", async () => {
    const backend = await Backend.start(async (connection) => {
      backend.arrivals.push((await connection.message()).head);
      connection.socket.resetAndDestroy();
    });
    await using proxy = await startProxy({ backends: [backend], http: { hold: 1_000 } });
    const client = await proxy.client();
    client.write(GET);
    assert.match((await client.message()).head, /^HTTP\/1.1 502 .*x-outrigger-reason: reset/s);
    assert.equal(backend.arrivals.length, 3);
    client.write(POST);
    assert.match((await client.message()).head, /^HTTP\/1.1 502 .*x-outrigger-reason: reset/s);
    assert.equal(backend.arrivals.length, 4);
  });
});
