/** Where two things meet: a retry and an upload, a drain and a half-read head, a full socket and the end of a connection. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { VirtualClock } from "@outrigger/core/testing";
import type { ByteStream } from "../testing/byte-stream.ts";
import {
  answering,
  Backend,
  eventually,
  OK,
  startProxy,
  turns,
  type ProxyUnderTest,
} from "../testing/bench-of-parts.ts";
import { HTTP1_DEFAULTS } from "./settings.ts";

const GET = "GET /a HTTP/1.1\r\nHost: shop\r\n\r\n";
const BUSY = "HTTP/1.1 503 Busy\r\nContent-Length: 4\r\n\r\nbusy";
const UPGRADE = "GET /ws HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n";
const SWITCHED = "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n";
const MEGABYTE = 1024 * 1024;

/** Bytes that come out wrong when a buffer is used twice. */
const changing = (length: number): Buffer => {
  const bytes = Buffer.allocUnsafe(length);
  for (let n = 0; n < length; n++) bytes[n] = (n * 31 + (n >> 8) + (n >> 16)) & 0xff;
  return bytes;
};

/** Reads with a pause after each piece until so many bytes have come. */
async function readSlowly(stream: ByteStream, length: number): Promise<Buffer> {
  const pieces: Buffer[] = [Buffer.from(stream.received, "latin1")];
  let count = stream.received.length;
  stream.socket.removeAllListeners("data");
  stream.socket.on("data", (piece: Buffer) => {
    pieces.push(piece);
    count += piece.length;
    stream.socket.pause();
    setImmediate(() => stream.socket.resume());
  });
  stream.socket.resume();
  await eventually(() => count >= length || stream.ended);
  return Buffer.concat(pieces);
}

describe("bytes arrive as they were sent, through a reader that stops again and again:", () => {
  it("an answer", async () => {
    const body = changing(8 * MEGABYTE);
    const backend = await Backend.start(async (connection) => {
      await connection.message();
      connection.write(`HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\n\r\n`);
      connection.socket.write(body);
    });
    await using proxy = await startProxy({ backends: [backend] });
    const client = await proxy.client();
    client.write(GET);
    await client.take("\r\n\r\n");
    assert.ok((await readSlowly(client, body.length)).equals(body));
  });

  it("a tunnel, both ways; and what was written last before both sides closed", async () => {
    const body = changing(4 * MEGABYTE);
    let atBackend: Buffer = Buffer.alloc(0);
    const backend = await Backend.start(async (connection) => {
      await connection.take("\r\n\r\n");
      connection.write(SWITCHED);
      connection.socket.end(body);
      atBackend = await readSlowly(connection, body.length);
    });
    await using proxy = await startProxy({ backends: [backend] });
    const client = await proxy.client();
    client.write(UPGRADE);
    await client.take("\r\n\r\n");
    client.socket.end(body);
    assert.ok((await readSlowly(client, body.length)).equals(body));
    await eventually(() => atBackend.length >= body.length);
    assert.ok(atBackend.equals(body));
  });

  for (const side of ["the endpoint", "the client"] as const)
    it(`a tunnel whose one side has closed, before ${side} has read any of what it was sent last`, async () => {
      const body = changing(4 * MEGABYTE);
      let late: ByteStream | null = null;
      const backend = await Backend.start(async (connection) => {
        await connection.take("\r\n\r\n");
        connection.write(SWITCHED);
        if (side === "the endpoint") late = connection;
        connection.socket.end(side === "the client" ? body : "bye");
        if (side === "the endpoint") connection.socket.pause();
      });
      await using proxy = await startProxy({ backends: [backend] });
      const client = await proxy.client();
      client.write(UPGRADE);
      await client.take("\r\n\r\n");
      if (side === "the client") late = client;
      client.socket.end(side === "the endpoint" ? body : "bye");
      const early = side === "the client" ? backend.connections[0]?.socket : client.socket;
      if (side === "the client") client.socket.pause();
      await eventually(() => early?.destroyed === true);
      await turns(20);
      assert.ok((await readSlowly(late as unknown as ByteStream, body.length)).equals(body));
    });

  it("an upload that is kept for a retry, and sent again", async () => {
    const body = changing(2 * MEGABYTE);
    const first = await Backend.start(async (connection) => {
      await connection.take("\r\n\r\n");
      await connection.takeBytes(body.length);
      connection.reset();
    });
    let received: Buffer = Buffer.alloc(0);
    const second = await Backend.start(async (connection) => {
      await connection.take("\r\n\r\n");
      received = await readSlowly(connection, body.length);
      connection.write(OK);
    });
    await using proxy = await startProxy({
      backends: [first, second],
      http: { retryBodyBytes: body.length },
    });
    const client = await proxy.client();
    client.write(`PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: ${body.length}\r\n\r\n`);
    client.socket.write(body);
    assert.equal((await client.message()).body, "ok");
    assert.ok(received.equals(body));
  });
});

it("a tunnel's upload waits for an endpoint that stops reading", async () => {
  const backend = await Backend.start(async (connection) => {
    await connection.take("\r\n\r\n");
    connection.write(SWITCHED);
    connection.socket.pause();
  });
  await using proxy = await startProxy({ backends: [backend] });
  const client = await proxy.client();
  client.write(UPGRADE);
  await client.take("\r\n\r\n");
  const total = 64 * MEGABYTE;
  client.socket.write(Buffer.alloc(total));
  let before = -1;
  for (let still = 0; still < 500;) {
    const gone = client.socket.bytesWritten - client.socket.writableLength;
    still = gone === before ? still + 1 : 0;
    before = gone;
    await turns(2);
    if (client.socket.writableLength === 0) break;
  }
  assert.ok(client.socket.writableLength > 0, "all 64 MB were taken although nobody read");
});

describe("what is repeated stops where the request is not whole:", () => {
  it("an upload that was invited by 100 Continue is not sent again", async () => {
    const first = await Backend.start(async (connection) => {
      await connection.take("\r\n\r\n");
      connection.write("HTTP/1.1 100 Continue\r\n\r\n");
      await eventually(() => invited);
      connection.reset();
    });
    let invited = false;
    const second = await answering(OK);
    await using proxy = await startProxy({ backends: [first, second], http: { retryBodyBytes: 100 } });
    const client = await proxy.client();
    client.write("PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n");
    await client.take("100 Continue\r\n\r\n");
    invited = true;
    assert.match((await client.message()).head, /^HTTP\/1.1 502 /);
    assert.equal(second.arrivals.length, 0);
  });

  it("a 503 that comes before the upload is whole goes to the client", async () => {
    const first = await Backend.start(async (connection) => {
      await connection.take("\r\n\r\n");
      connection.write(BUSY);
    });
    const second = await answering(OK);
    await using proxy = await startProxy({ backends: [first, second], http: { retryBodyBytes: 100 } });
    const client = await proxy.client();
    client.write("PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\na");
    assert.match((await client.message()).head, /^HTTP\/1.1 503 Busy/);
    assert.equal(second.arrivals.length, 0);
  });

  it("a 503 to an upgrade goes to the client", async () => {
    const first = await answering(BUSY);
    const second = await answering(OK);
    await using proxy = await startProxy({ backends: [first, second] });
    const client = await proxy.client();
    client.write(UPGRADE);
    assert.match((await client.message()).head, /^HTTP\/1.1 503 Busy/);
    assert.equal(second.arrivals.length, 0);
  });
});

describe("an answer that is thrown away for a retry", () => {
  it("gives its connection back when it was read to its end", async () => {
    const busy = await answering(BUSY);
    const good = await answering(OK);
    await using proxy = await startProxy({ backends: [busy, good] });
    const client = await proxy.client();
    for (let n = 0; n < 6; n++) {
      client.write(GET);
      assert.equal((await client.message()).body, "ok");
    }
    assert.equal(busy.connections.length, 1);
  });

  for (const [what, answer] of [
    ["more follows than it announced", `${BUSY}HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil`],
    ["its body has not come whole", BUSY.replace("Content-Length: 4", "Content-Length: 5")],
  ] as const) {
    it(`closes its connection when ${what}`, async () => {
      const busy = await answering(answer);
      const good = await answering(OK);
      await using proxy = await startProxy({ backends: [busy, good] });
      const client = await proxy.client();
      for (let n = 0; n < 4; n++) {
        client.write(GET);
        assert.equal((await client.message()).body, "ok");
      }
      assert.equal(busy.connections.length, busy.arrivals.length);
    });
  }
});

describe("a connection to an endpoint", () => {
  it("that closed while idle is not used again, not even by a POST", async () => {
    const backend = await Backend.start(async (connection) => {
      await connection.message();
      connection.write(OK);
      connection.close();
    });
    await using proxy = await startProxy({ backends: [backend], upstream: { retries: 0 } });
    const client = await proxy.client();
    for (let n = 0; n < 3; n++) {
      client.write("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\na");
      assert.equal((await client.message()).body, "ok");
      await eventually(() => proxy.listener.pool.size === 0);
    }
  });

  it("that breaks inside the head of an answer is no stale one: the retry is charged", async () => {
    const backend = await Backend.start(async (connection) => {
      await connection.message();
      connection.write(OK);
      await connection.message();
      connection.write("HTTP/1.1 2");
      await turns(20);
      connection.close();
    });
    await using proxy = await startProxy({
      backends: [backend],
      upstream: { retryBudget: 0, retryReserve: 0 },
    });
    const client = await proxy.client();
    client.write(GET);
    await client.message();
    client.write(GET);
    assert.match((await client.message()).head, /^HTTP\/1.1 502 .*x-outrigger-reason: reset\r\n/s);
  });

  it("has perTryTimeout for the head of an answer, not for its body", async () => {
    const clock = new VirtualClock();
    const backend = await Backend.start(async (connection) => {
      await connection.message();
      connection.write("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nha");
      await eventually(() => late);
      connection.write("lf");
    });
    let late = false;
    await using proxy = await startProxy({ backends: [backend], clock, http: { perTryTimeout: 100 } });
    const client = await proxy.client();
    client.write(GET);
    await client.take("\r\n\r\nha");
    clock.advance(1000);
    late = true;
    await client.take("lf");
  });
});

describe("a hedge", () => {
  it("is not sent when there is no other endpoint, nor for an upgrade", async () => {
    const clock = new VirtualClock();
    const backend = await Backend.start(async (connection) => {
      for (;;) {
        const { head } = await connection.message().catch(() => ({ head: "" }));
        if (head === "") return;
        backend.arrivals.push(head);
        if (head.includes("/slow") || head.includes("/ws")) return;
        connection.write(OK);
      }
    });
    const hedging = { hedge: true, hedgeSamples: 10, hedgeMin: "50ms", hedgeMax: 1 } as const;
    await using one = await startProxy({ backends: [backend], clock, upstream: hedging });
    const client = await one.client();
    for (let n = 0; n < 20; n++) {
      client.write(GET);
      await client.message();
    }
    client.write(GET.replace("/a", "/slow"));
    await eventually(() => backend.arrivals.length === 21);
    clock.advance(1000);
    await turns(20);
    assert.equal(backend.arrivals.length, 21);

    const other = await answering(OK);
    await using two = await startProxy({ backends: [backend, other], clock, upstream: hedging });
    const second = await two.client();
    for (let n = 0; n < 20; n++) {
      second.write(GET);
      await second.message();
    }
    const before = other.arrivals.length;
    second.write(UPGRADE);
    await eventually(
      () =>
        backend.arrivals.some((head) => head.includes("/ws")) ||
        other.arrivals.some((head) => head.includes("/ws")),
    );
    clock.advance(1000);
    await turns(20);
    const asked = [...backend.arrivals, ...other.arrivals].filter((head) => head.includes("/ws"));
    assert.equal(asked.length, 1);
    assert.ok(other.arrivals.length <= before + 1);
  });
});

describe("the line for a connection", () => {
  it("is left by a client that leaves; the next one is served", async () => {
    const backend = await Backend.start(async (connection) => {
      for (;;) {
        const { head } = await connection.message().catch(() => ({ head: "" }));
        if (head === "") return;
        backend.arrivals.push(head);
        if (backend.arrivals.length === 1) await eventually(() => release);
        connection.write(OK);
      }
    });
    let release = false;
    await using proxy = await startProxy({ backends: [backend], upstream: { maxConnections: 1 } });
    const [busy, leaver, waiter] = [await proxy.client(), await proxy.client(), await proxy.client()];
    busy.write(GET);
    await eventually(() => backend.arrivals.length === 1);
    leaver.write(GET);
    await eventually(() => proxy.upstream.limits.pending === 1);
    waiter.write(GET);
    await eventually(() => proxy.upstream.limits.pending === 2);
    leaver.reset();
    await eventually(() => proxy.upstream.limits.pending === 1);
    release = true;
    for (const client of [busy, waiter]) assert.equal((await client.message()).body, "ok");
    assert.equal(backend.arrivals.length, 2);
    assert.equal(proxy.upstream.limits.pending, 0);
  });
});

describe("the end of a client's connection", () => {
  it("comes after an answer of the proxy itself, when the request's body is still on its way", async () => {
    const backend = await Backend.start(async (connection) => {
      await connection.message();
    });
    await using proxy = await startProxy({ backends: [backend], upstream: { maxRequests: 1 } });
    const [busy, refused] = [await proxy.client(), await proxy.client()];
    busy.write(GET);
    await eventually(() => proxy.upstream.active === 1);
    refused.write("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 50\r\n\r\nGET /smuggled HTTP/1.1\r\n");
    assert.match((await refused.message()).head, /^HTTP\/1.1 503 .*connection: close/s);
    await refused.end();
    assert.equal(refused.received, "");
  });

  it("does not cut the last answer of a client that half-closes while it reads", async () => {
    const body = changing(4 * MEGABYTE);
    const backend = await Backend.start(async (connection) => {
      await connection.message();
      connection.write(`HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\n\r\n`);
      connection.socket.write(body);
    });
    await using proxy = await startProxy({ backends: [backend] });
    const client = await proxy.client();
    client.write(GET.replace("\r\n\r\n", "\r\nConnection: close\r\n\r\n"));
    await client.take("\r\n\r\n");
    client.socket.pause();
    // The last bytes are in the proxy's socket when no request is under way there any more.
    await eventually(
      () =>
        proxy.listener.inFlight() === 0 ||
        client.socket.bytesRead > body.length ||
        proxy.upstream.active === 0 ||
        stuck(),
    );
    function stuck(): boolean {
      client.socket.resume();
      setImmediate(() => client.socket.pause());
      return false;
    }
    client.close();
    assert.ok((await readSlowly(client, body.length)).equals(body));
  });

  it("comes in time for a reader that stops before its last bytes", async () => {
    const clock = new VirtualClock();
    const answer = `HTTP/1.1 200 OK\r\nContent-Length: ${MEGABYTE}\r\n\r\n${"x".repeat(MEGABYTE)}`;
    await using proxy = await startProxy({
      backends: [await answering(answer)],
      clock,
      http: { stallTimeout: 1000 },
    });
    const client = await proxy.client();
    client.socket.pause();
    client.write(GET.replace("\r\n\r\n", "\r\nConnection: close\r\n\r\n"));
    await eventually(() => proxy.upstream.active === 0 || proxy.listener.inFlight() === 1);
    await turns(200);
    clock.advance(1100);
    await turns(20);
    clock.advance(3000);
    await eventually(() => proxy.listener.connections() === 0);
  });

  it("cancels upstream at once when a body breaks its framing, not after a linger", async () => {
    const clock = new VirtualClock();
    const backend = await Backend.start(async (connection) => {
      await connection.take("\r\n\r\n");
      await connection.end();
    });
    await using proxy = await startProxy({ backends: [backend], clock });
    const client = await proxy.client();
    client.write("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n");
    await eventually(() => backend.connections.length === 1);
    client.write("nonsense\r\n");
    await client.take("\r\n\r\n");
    await backend.connections[0]?.end();
    assert.equal(proxy.upstream.active, 0);
  });
});

it("an upgrade that has a body is a plain request: nothing after it is taken for another protocol", async () => {
  const backend = await answering(OK);
  await using proxy = await startProxy({ backends: [backend], http: { forwarded: false } });
  const client = await proxy.client();
  client.write(
    "POST / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nContent-Length: 2\r\n\r\nhi",
  );
  assert.equal((await client.message()).body, "ok");
  assert.deepEqual(backend.arrivals, ["POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n"]);
});

it("chunks that break in the same bytes as the head are not forwarded as if they were whole", async () => {
  const backend = await answering("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\nzz\r\n");
  await using proxy = await startProxy({ backends: [backend] });
  const client = await proxy.client();
  client.write(GET);
  await client.end();
  assert.ok(!client.received.includes("zz"), JSON.stringify(client.received));
});

it("a client that leaves during the pause before a retry gives the budget its retry back", async () => {
  const clock = new VirtualClock();
  const only = await answering(BUSY);
  await using proxy = await startProxy({
    backends: [only],
    clock,
    random: () => 0.9,
    upstream: { backoffBase: "10s", backoffMax: "10s" },
  });
  const client = await proxy.client();
  client.write(GET);
  await eventually(() => proxy.upstream.retry.retrying === 1);
  client.reset();
  await eventually(() => proxy.upstream.active === 0);
  assert.equal(proxy.upstream.retry.retrying, 0);
});

it("an endpoint that discovery drops loses all its idle connections", async () => {
  const backend = await Backend.start(async (connection) => {
    for (;;) {
      const { head } = await connection.message().catch(() => ({ head: "" }));
      if (head === "") return;
      backend.arrivals.push(head);
      await eventually(() => backend.arrivals.length >= 6);
      connection.write(OK);
    }
  });
  await using proxy = await startProxy({ backends: [backend] });
  const clients = await Promise.all(Array.from({ length: 6 }, () => proxy.client()));
  for (const client of clients) client.write(GET);
  for (const client of clients) await client.message();
  assert.equal(proxy.listener.pool.size, 6);
  proxy.listener.pool.dropIdle(proxy.upstream.endpoints[0] as (typeof proxy.upstream.endpoints)[0]);
  assert.equal(proxy.listener.pool.size, 0);
});

it("an endpoint that answers an upload early and closes has not failed", async () => {
  const backend = await Backend.start(async (connection) => {
    await connection.take("\r\n\r\n");
    connection.write(OK);
    await eventually(() => client.received.includes("ok"));
    connection.close();
  });
  await using proxy = await startProxy({ backends: [backend] });
  const client = await proxy.client();
  client.write("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nhalf");
  await client.end();
  assert.match(client.received, /^HTTP\/1.1 200 .*ok$/s);
  const outcomes = proxy.upstream.endpoints[0]?.outcomes;
  assert.deepEqual([outcomes?.success, outcomes?.reset], [1, 0]);
});

it("an endpoint that hints Keep-Alive: timeout=0 gets no second request on its connection", async () => {
  const backend = await answering("HTTP/1.1 200 OK\r\nKeep-Alive: timeout=0\r\nContent-Length: 2\r\n\r\nok");
  await using proxy = await startProxy({ backends: [backend] });
  const client = await proxy.client();
  for (let n = 1; n <= 3; n++) {
    client.write(GET);
    assert.equal((await client.message()).body, "ok");
    assert.equal(backend.connections.length, n);
  }
});

describe("a tunnel", () => {
  const open = async (
    backend: Backend,
    clock: VirtualClock,
  ): Promise<{ client: ByteStream; proxy: ProxyUnderTest }> => {
    const proxy = await startProxy({
      backends: [backend],
      clock,
      http: { timeout: 1000, stallTimeout: 1000 },
    });
    const client = await proxy.client();
    client.write(UPGRADE);
    await client.take("\r\n\r\n");
    return { client, proxy };
  };

  it("is not ended by the limits of a request", async () => {
    const clock = new VirtualClock();
    const backend = await Backend.start(async (connection) => {
      await connection.take("\r\n\r\n");
      connection.write(SWITCHED);
      connection.write(await connection.take("!"));
    });
    const { client, proxy } = await open(backend, clock);
    await using _ = proxy;
    clock.advance(60_000);
    client.write("still here!");
    assert.equal(await client.take("!"), "still here!");
    client.close();
    backend.stop();
    await client.end();
  });
});

it("a client that pipelines without end is held back, and every request is answered", async () => {
  const REQUESTS = 3000;
  let release = false;
  const backend = await Backend.start(async (connection) => {
    for (;;) {
      const { head } = await connection.message().catch(() => ({ head: "" }));
      if (head === "") return;
      await eventually(() => release);
      connection.write(OK);
    }
  });
  await using proxy = await startProxy({ backends: [backend] });
  const client = await proxy.client();
  const request = `GET /a HTTP/1.1\r\nHost: shop\r\nX-Pad: ${"p".repeat(7000)}\r\n\r\n`;
  for (let n = 0; n < REQUESTS; n++) client.write(request);
  let sent = -1;
  await eventually(async () => {
    const now = client.socket.bytesWritten - client.socket.writableLength;
    const still = now === sent;
    sent = now;
    await turns(100);
    return still;
  });
  assert.ok(client.socket.writableLength > 0, "all was taken in while the first was being answered");
  release = true;
  for (let n = 0; n < REQUESTS; n++) assert.equal((await client.message()).body, "ok");
});

describe("a reload that lowers maxHeadBytes below what has come of a head", () => {
  const part = `GET /a HTTP/1.1\r\nHost: shop\r\nX-Pad: ${"p".repeat(20_000)}`;

  it("refuses a client's head when more of it comes", async () => {
    await using proxy = await startProxy({ backends: [await answering(OK)] });
    const client = await proxy.client();
    client.write(part);
    await eventually(() => proxy.listener.connections() === 1);
    await turns(20);
    proxy.listener.reconfigure({ ...HTTP1_DEFAULTS, maxHeadBytes: 4096 }, null);
    client.write("p");
    assert.match((await client.message()).head, /^HTTP\/1\.1 431 .*x-outrigger-reason: head-too-large/s);
  });

  it("refuses an endpoint's head when more of it comes", async () => {
    let lowered = false;
    const backend = await Backend.start(async (connection) => {
      await connection.message();
      connection.write(part.replace("GET /a HTTP/1.1\r\nHost: shop", "HTTP/1.1 200 OK"));
      await eventually(() => lowered);
      connection.write("p");
    });
    await using proxy = await startProxy({ backends: [backend], upstream: { retries: 0 } });
    const client = await proxy.client();
    client.write(GET);
    await eventually(
      () => backend.connections.length === 1 && backend.connections[0]?.socket.writableLength === 0,
    );
    await turns(50);
    proxy.listener.reconfigure({ ...HTTP1_DEFAULTS, maxHeadBytes: 4096 }, null);
    lowered = true;
    assert.match((await client.message()).head, /^HTTP\/1\.1 502 .*x-outrigger-reason: bad-answer/s);
  });
});

for (const [later, kept] of [
  [false, 0],
  [true, 0],
  [true, 3],
] as const) {
  it(`an idempotent request whose body is not kept goes onto no connection that has been idle for long, the body coming ${later ? "later" : "with its head"}, ${kept} bytes kept`, async () => {
    const clock = new VirtualClock();
    const backend = await Backend.start(async (connection, index) => {
      await connection.message();
      connection.write(OK);
      await connection.message().catch(() => ({ head: "" }));
      // As a server that has tired of its idle connection just then.
      if (index === 0) connection.reset();
      else connection.write(OK);
    });
    await using proxy = await startProxy({ backends: [backend], clock, http: { retryBodyBytes: kept } });
    const client = await proxy.client();
    client.write(GET);
    await client.message();
    clock.advance(1500);
    client.write("PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\n");
    if (later) await eventually(() => proxy.upstream.active === 1);
    client.write("body");
    assert.match((await client.message()).head, /^HTTP\/1\.1 200 /);
    assert.equal(backend.connections.length, 2);
  });
}

it("the answer to a HEAD of HTTP/1.0 speaks of no chunks", async () => {
  await using proxy = await startProxy({
    backends: [await answering("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nX: y\r\n\r\n")],
  });
  const client = await proxy.client();
  client.write("HEAD / HTTP/1.0\r\n\r\n");
  await client.end();
  assert.equal(client.received, "HTTP/1.1 200 OK\r\nX: y\r\nconnection: close\r\n\r\n");
});
