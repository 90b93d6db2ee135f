/** When things go wrong in the middle: who is told, what is cancelled, and that nobody hangs. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { VirtualClock } from "@outrigger/core/testing";
import { answering, Backend, eventually, OK, startProxy } from "../testing/bench-of-parts.ts";

const GET = "GET /a HTTP/1.1\r\nHost: shop\r\n\r\n";

/** Takes one request a connection and never answers. */
async function silent(): Promise<Backend> {
  const backend: Backend = await Backend.start(async (connection) => {
    backend.arrivals.push((await connection.message()).head);
  });
  return backend;
}

describe("a client that leaves cancels its request upstream", () => {
  it("while it waits", async () => {
    const backend = await silent();
    await using proxy = await startProxy({ backends: [backend] });
    const client = await proxy.client();
    client.write(GET);
    await eventually(() => backend.arrivals.length === 1);
    client.socket.destroy();
    await backend.connections[0]?.end();
    assert.equal(await proxy.metric("outrigger_http_requests_total", { code_class: "client-closed" }), 1);
    assert.equal(proxy.upstream.active, 0);
  });

  it("in the middle of the answer", async () => {
    const backend = await Backend.start(async (connection) => {
      await connection.message();
      connection.write("HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nsome");
      await connection.end();
    });
    await using proxy = await startProxy({ backends: [backend] });
    const client = await proxy.client();
    client.write(GET);
    await client.take("some");
    client.reset();
    await backend.connections[0]?.end();
    assert.equal(proxy.upstream.active, 0);
  });

  it("in the middle of its own body", async () => {
    const backend = await Backend.start(async (connection) => {
      await connection.take("part");
      await connection.end();
    });
    await using proxy = await startProxy({ backends: [backend] });
    const client = await proxy.client();
    client.write("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\npart");
    await eventually(() => backend.connections.length === 1);
    client.close();
    await backend.connections[0]?.end();
    await client.end();
    assert.equal(client.received, "");
  });
});

describe("an answer that breaks off ends the client's connection", () => {
  const cases: Readonly<Record<string, readonly [string, "close" | "reset"]>> = {
    "by reset, with a length": ["HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf", "reset"],
    "by FIN, with a length": ["HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf", "close"],
    "by reset, in chunks": ["HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n", "reset"],
    "by FIN, in chunks": ["HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n", "close"],
    "by reset, without a length": ["HTTP/1.1 200 OK\r\n\r\nhalf", "reset"],
  };
  for (const [what, [answer, how]] of Object.entries(cases)) {
    it(what, async () => {
      const backend = await Backend.start(async (connection) => {
        await connection.message();
        connection.write(answer);
        // The reset must come after the bytes, not instead of them: the client has seen them first.
        await eventually(() => client.received.includes("half"));
        if (how === "reset") connection.reset();
        else connection.close();
      });
      await using proxy = await startProxy({ backends: [backend] });
      const client = await proxy.client();
      client.write(GET);
      await client.end();
      assert.ok(!client.received.endsWith("\r\n0\r\n\r\n"), "the client was told that the body is whole");
      assert.equal(await proxy.metric("outrigger_http_truncated_answers_total"), 1);
      assert.equal(proxy.upstream.active, 0);
    });
  }

  it("by a chunk that is none", async () => {
    const backend = await answering(
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\nzz\r\n",
    );
    await using proxy = await startProxy({ backends: [backend] });
    const client = await proxy.client();
    client.write(GET);
    await client.end();
    assert.equal(
      await proxy.metric("outrigger_http_violations_total", { side: "upstream", reason: "bad-chunk-size" }),
      1,
    );
  });
});

describe("an answer that comes before the request is whole", () => {
  it("reaches the client, and the rest of the upload still reaches the endpoint, on the same connection", async () => {
    const seen: string[] = [];
    const backend = await Backend.start(async (connection) => {
      await connection.take("\r\n\r\n");
      await connection.takeBytes(3);
      connection.write(OK);
      seen.push(await connection.takeBytes(3));
      await connection.message();
      connection.write(OK);
    });
    await using proxy = await startProxy({ backends: [backend] });
    const client = await proxy.client();
    client.write("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 6\r\n\r\nabc");
    assert.equal((await client.message()).body, "ok");
    client.write("def");
    client.write(GET);
    assert.equal((await client.message()).body, "ok");
    assert.deepEqual(seen, ["def"]);
    assert.equal(backend.connections.length, 1);
  });

  it("and closes: the client gets it whole, and then the end", async () => {
    const backend = await Backend.start(async (connection) => {
      await connection.take("\r\n\r\n");
      connection.write("HTTP/1.1 413 Too Large\r\nConnection: close\r\nContent-Length: 3\r\n\r\nbig");
      connection.close();
    });
    await using proxy = await startProxy({ backends: [backend] });
    const client = await proxy.client();
    client.write("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\n");
    client.write("x".repeat(500_000));
    const { head, body } = await client.message();
    assert.match(head, /^HTTP\/1.1 413 .*connection: close/s);
    assert.equal(body, "big");
    await client.end();
    assert.equal(client.broken, false);
  });
});

describe("a limit in time", () => {
  it("of the head: a client that dribbles gets 408", async () => {
    const clock = new VirtualClock();
    await using proxy = await startProxy({
      backends: [await answering(OK)],
      clock,
      http: { headTimeout: 1000 },
    });
    const client = await proxy.client();
    client.write("GET / HT");
    await eventually(() => clock.pendingTimers > 1);
    clock.advance(900);
    client.write("TP/1.1\r\n");
    await new Promise<void>((resolve) => setImmediate(resolve));
    clock.advance(200);
    await client.end();
    assert.match(client.received, /^HTTP\/1.1 408 .*x-outrigger-reason: head-timeout/s);
    assert.equal(await proxy.metric("outrigger_http_requests_total", { code_class: "4xx" }), 1);
  });

  it("of idleness: a client that asks nothing is let go without an answer", async () => {
    const clock = new VirtualClock();
    await using proxy = await startProxy({
      backends: [await answering(OK)],
      clock,
      http: { idleTimeout: 1000 },
    });
    const client = await proxy.client();
    client.write(GET);
    await client.message();
    clock.advance(1100);
    await client.end();
    assert.equal(client.received, "");
    assert.equal(await proxy.metric("outrigger_http_timeouts_total", { kind: "idle" }), 1);
  });

  it("of one attempt: 504 when no endpoint answers", async () => {
    const clock = new VirtualClock();
    const backend = await silent();
    await using proxy = await startProxy({
      backends: [backend],
      clock,
      http: { perTryTimeout: 100 },
      upstream: { retries: 1 },
    });
    const client = await proxy.client();
    client.write(GET);
    for (const attempts of [1, 2]) {
      await eventually(() => backend.arrivals.length === attempts);
      clock.advance(101);
    }
    const { head, body } = await client.message();
    assert.match(head, /^HTTP\/1.1 504 .*x-outrigger-reason: try-timeout/s);
    assert.match(body, /no answer after 2 attempts; 127.0.0.1:\d+: no answer within 100 ms/);
  });

  it("of the whole: 504 before the answer began, the end of the connection after", async () => {
    const clock = new VirtualClock();
    const waiting = await silent();
    await using first = await startProxy({ backends: [waiting], clock, http: { timeout: 500 } });
    const early = await first.client();
    early.write(GET);
    await eventually(() => waiting.arrivals.length === 1);
    clock.advance(600);
    assert.match((await early.message()).head, /^HTTP\/1.1 504 .*x-outrigger-reason: timeout/s);
    await waiting.connections[0]?.end();

    await using second = await startProxy({
      backends: [await answering("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf")],
      clock,
      http: { timeout: 500 },
    });
    const late = await second.client();
    late.write(GET);
    await late.take("half");
    clock.advance(600);
    await late.end();
    assert.equal(await second.metric("outrigger_http_truncated_answers_total"), 1);
  });

  it("of standing still: counted from the last byte in either direction", async () => {
    const clock = new VirtualClock();
    const backend = await Backend.start(async (connection) => {
      await connection.message();
      connection.write("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\na");
      await connection.end();
    });
    await using proxy = await startProxy({ backends: [backend], clock, http: { stallTimeout: 1000 } });
    const client = await proxy.client();
    client.write(GET);
    await client.take("\r\n\r\na");
    for (let n = 0; n < 3; n++) {
      clock.advance(900);
      backend.connections[0]?.write("b");
      await client.take("b");
    }
    clock.advance(1100);
    await client.end();
    assert.equal(await proxy.metric("outrigger_http_timeouts_total", { kind: "stalled" }), 1);
  });
});

describe("when the upstream cannot take a request, the answer says why", () => {
  it("no endpoint at all", async () => {
    await using proxy = await startProxy({
      backends: [await answering(OK)],
      upstream: { endpoints: ["127.0.0.1:1*0"] },
    });
    const client = await proxy.client();
    client.write(GET);
    const { head, body } = await client.message();
    assert.match(head, /^HTTP\/1.1 503 .*x-outrigger-reason: no-endpoint/s);
    assert.match(body, /upstream test has no endpoint: .*\/explain/);
  });

  it("nobody listens", async () => {
    const backend = await answering(OK);
    const { key } = backend;
    backend.stop();
    await using proxy = await startProxy({ backends: [], upstream: { endpoints: [key] } });
    const client = await proxy.client();
    client.write(GET);
    const { head, body } = await client.message();
    assert.match(head, /^HTTP\/1.1 502 .*x-outrigger-reason: connect-failure/s);
    assert.match(body, new RegExp(`no answer after \\d attempts; ${key}: connect ECONNREFUSED`));
  });

  it("too many at once, and too many waiting", async () => {
    const backend = await silent();
    await using proxy = await startProxy({
      backends: [backend],
      upstream: { maxConnections: 1, maxPending: 1 },
    });
    const [busy, waiting, tooMany] = [await proxy.client(), await proxy.client(), await proxy.client()];
    busy.write(GET);
    await eventually(() => backend.connections.length === 1);
    waiting.write(GET);
    await eventually(() => proxy.upstream.limits.pending === 1);
    tooMany.write(GET);
    const refused = await tooMany.message();
    assert.match(refused.head, /^HTTP\/1.1 503 .*retry-after: 1\r\nx-outrigger-reason: max-pending/s);
    assert.match(
      refused.body,
      /all connections to 127\.0\.0\.1:\d+ are busy \(maxConnections or adaptiveConcurrency\) and the line is full \(maxPending\)/,
    );
    busy.socket.destroy();
    await eventually(() => backend.connections.length === 2);
    assert.equal(proxy.upstream.limits.pending, 0);
  });

  it("more requests than maxRequests, or than the rate", async () => {
    const backend = await silent();
    await using proxy = await startProxy({ backends: [backend], upstream: { maxRequests: 1 } });
    const [first, second] = [await proxy.client(), await proxy.client()];
    first.write(GET);
    await eventually(() => proxy.upstream.active === 1);
    second.write(GET);
    const { head, body } = await second.message();
    assert.match(head, /^HTTP\/1.1 503 .*x-outrigger-reason: max-requests/s);
    assert.match(body, /as many requests as this route allows \(maxRequests\) are being answered/);

    await using limited = await startProxy({
      backends: [await answering(OK)],
      clock: new VirtualClock(),
      upstream: { rate: 1, burst: 2 },
    });
    const client = await limited.client();
    client.write(GET.repeat(3));
    await client.message();
    await client.message();
    const tooFast = await client.message();
    assert.match(tooFast.head, /^HTTP\/1.1 429 .*x-outrigger-reason: rate-limited/s);
    assert.match(tooFast.body, /the rate limit of this route \(rate\) is reached/);
  });
});

it("bytes that nobody asked for are not taken for the next answer", async () => {
  const backend = await answering(`${OK}HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil`);
  await using proxy = await startProxy({ backends: [backend] });
  const client = await proxy.client();
  for (let n = 0; n < 3; n++) {
    client.write(GET);
    assert.equal((await client.message()).body, "ok");
  }
  assert.equal(backend.connections.length, 3);
  assert.ok(
    (await proxy.metric("outrigger_http_violations_total", {
      side: "upstream",
      reason: "unexpected-answer",
    })) >= 3,
  );
});

it("a client that half-closes while it waits is taken to have left", async () => {
  const backend = await silent();
  await using proxy = await startProxy({ backends: [backend] });
  const client = await proxy.client();
  client.write(GET);
  await eventually(() => backend.arrivals.length === 1);
  client.close();
  await client.end();
  await backend.connections[0]?.end();
});

it("ejection: an endpoint that fails again and again gets no request for a while", async () => {
  const clock = new VirtualClock();
  const bad = await answering("HTTP/1.1 500 Oops\r\nContent-Length: 0\r\n\r\n");
  const good = await answering(OK);
  await using proxy = await startProxy({
    backends: [bad, good],
    clock,
    upstream: { ejectAfter: 3, ejectTime: "10s" },
  });
  const client = await proxy.client();
  for (let n = 0; n < 30; n++) {
    client.write(GET);
    await client.message();
  }
  assert.equal(bad.arrivals.length, 3);
  assert.equal(good.arrivals.length, 27);
});
