/** Back-pressure end to end, tunnels after 101, and draining. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { VirtualClock } from "@outrigger/core/testing";
import { answering, Backend, eventually, OK, startProxy } from "../testing/bench-of-parts.ts";

const GET = "GET /a HTTP/1.1\r\nHost: shop\r\n\r\n";
const MEGABYTE = 1024 * 1024;
/** What kernel buffers and both processes' sockets may hold between two ends; far below what is sent. */
const IN_TRANSIT = 24 * MEGABYTE;
const BODY = 64 * MEGABYTE;

/** Writes until the socket has been full for a while of turns with nothing moving. */
async function writeUntilStuck(
  socket: { write(chunk: Buffer): boolean; bytesWritten: number; writableLength: number },
  total: number,
): Promise<number> {
  const chunk = Buffer.alloc(64 * 1024, "x");
  let written = 0;
  let stillFor = 0;
  let before = -1;
  while (written < total && stillFor < 2000) {
    if (socket.writableLength < 256 * 1024) {
      socket.write(chunk);
      written += chunk.length;
    }
    await new Promise<void>((resolve) => setImmediate(resolve));
    const gone = socket.bytesWritten - socket.writableLength;
    stillFor = gone === before ? stillFor + 1 : 0;
    before = gone;
  }
  return written;
}

describe("a reader that stops", () => {
  it("stops the endpoint: little more than the kernel's buffers is in transit, and all of it arrives later", async () => {
    let written = 0;
    const backend = await Backend.start(async (connection) => {
      await connection.message();
      connection.write(`HTTP/1.1 200 OK\r\nContent-Length: ${BODY}\r\n\r\n`);
      written = await writeUntilStuck(connection.socket, BODY);
      assert.ok(written < IN_TRANSIT, `${written} bytes were taken although nobody read`);
      stuck = true;
      const rest = Buffer.alloc(BODY - written, "y");
      connection.socket.write(rest);
    });
    let stuck = false;
    await using proxy = await startProxy({ backends: [backend] });
    const client = await proxy.client();
    client.socket.pause();
    client.write(GET);
    await eventually(() => stuck || backend.failure !== null);
    let count = 0;
    client.socket.removeAllListeners("data");
    client.socket.on("data", (chunk: Buffer) => (count += chunk.length));
    client.socket.resume();
    await eventually(() => count >= BODY || backend.failure !== null);
    assert.equal(backend.failure, null);
  });

  it("at the endpoint stops the client's upload", async () => {
    const backend = await Backend.start(async (connection) => {
      await connection.take("\r\n\r\n");
      connection.socket.pause();
      await eventually(() => stuck);
      let count = connection.received.length;
      connection.socket.removeAllListeners("data");
      connection.socket.on("data", (chunk: Buffer) => (count += chunk.length));
      connection.socket.resume();
      await eventually(() => count >= BODY);
      connection.write(OK);
    });
    let stuck = false;
    await using proxy = await startProxy({ backends: [backend] });
    const client = await proxy.client();
    client.write(`POST / HTTP/1.1\r\nHost: a\r\nContent-Length: ${BODY}\r\n\r\n`);
    const written = await writeUntilStuck(client.socket, BODY);
    assert.ok(written < IN_TRANSIT, `${written} bytes were taken although nobody read`);
    stuck = true;
    client.socket.write(Buffer.alloc(BODY - written, "y"));
    assert.equal((await client.message()).body, "ok");
  });

  it("of pipelined answers is not given the next before it has taken the last", async () => {
    const body = "b".repeat(8 * MEGABYTE);
    const backend = await answering(`HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\n\r\n${body}`);
    await using proxy = await startProxy({ backends: [backend] });
    const client = await proxy.client();
    client.socket.pause();
    client.write(GET.repeat(8));
    await eventually(() => backend.arrivals.length > 0);
    for (let turn = 0; turn < 3000; turn++) await new Promise<void>((resolve) => setImmediate(resolve));
    assert.ok(
      backend.arrivals.length < 6,
      `${backend.arrivals.length} of 8 were asked for although nobody read`,
    );
    client.socket.resume();
    for (let n = 0; n < 8; n++) assert.equal((await client.message()).body.length, body.length);
  });
});

it("an upload of changing bytes arrives as it was, through a reader that stops again and again", async () => {
  const body = Buffer.from(Array.from({ length: 8 * MEGABYTE }, (_, n) => (n * 31 + (n >> 8)) & 0xff));
  const received: Buffer[] = [];
  let count = 0;
  const backend = await Backend.start(async (connection) => {
    await connection.take("\r\n\r\n");
    received.push(Buffer.from(connection.received, "latin1"));
    count += connection.received.length;
    connection.socket.removeAllListeners("data");
    connection.socket.on("data", (chunk: Buffer) => {
      received.push(chunk);
      count += chunk.length;
      connection.socket.pause();
      setImmediate(() => connection.socket.resume());
    });
    await eventually(() => count >= body.length);
    connection.write(OK);
  });
  await using proxy = await startProxy({ backends: [backend] });
  const client = await proxy.client();
  client.write(`POST / HTTP/1.1\r\nHost: a\r\nContent-Length: ${body.length}\r\n\r\n`);
  client.socket.write(body);
  assert.equal((await client.message()).body, "ok");
  assert.ok(Buffer.concat(received).equals(body), "the bytes that arrived are not those that were sent");
});

describe("an upgrade", () => {
  const UPGRADE =
    "GET /ws HTTP/1.1\r\nHost: a\r\nConnection: keep-alive, Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: x\r\n\r\n";
  const SWITCHED = "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n";

  it("becomes a tunnel: bytes pass both ways, those that came with the heads, too; each side closes for itself", async () => {
    const backend = await Backend.start(async (connection) => {
      const head = await connection.take("\r\n\r\n");
      assert.match(head, /connection: upgrade\r\nupgrade: websocket\r\n/);
      connection.write(`${SWITCHED}hello`);
      assert.equal(await connection.take("early"), "early");
      assert.equal(await connection.take("ping"), "ping");
      connection.write("pong");
      await connection.end();
      connection.write("last words");
      connection.close();
    });
    await using proxy = await startProxy({ backends: [backend] });
    const client = await proxy.client();
    client.write(`${UPGRADE}early`);
    assert.equal(
      await client.take("\r\n\r\n"),
      "HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n",
    );
    await client.take("hello");
    assert.equal(proxy.listener.inFlight(), 1);
    client.write("ping");
    await client.take("pong");
    client.close();
    await client.take("last words");
    await client.end();
    await eventually(() => proxy.listener.inFlight() === 0 && proxy.upstream.active === 0);
    assert.equal(proxy.upstream.endpoints[0]?.active, 0);
  });

  it("that is reset on one side is reset on the other", async () => {
    const backend = await Backend.start(async (connection) => {
      await connection.take("\r\n\r\n");
      connection.write(SWITCHED);
      await connection.end();
    });
    await using proxy = await startProxy({ backends: [backend] });
    const client = await proxy.client();
    client.write(UPGRADE);
    await client.take("\r\n\r\n");
    client.reset();
    await backend.connections[0]?.end();
    await eventually(() => proxy.listener.inFlight() === 0 && proxy.upstream.active === 0);
  });

  it("that is silent for tunnelIdleTimeout is closed", async () => {
    const clock = new VirtualClock();
    const backend = await Backend.start(async (connection) => {
      await connection.take("\r\n\r\n");
      connection.write(SWITCHED);
      await connection.end();
    });
    await using proxy = await startProxy({ backends: [backend], clock, http: { tunnelIdleTimeout: 1000 } });
    const client = await proxy.client();
    client.write(UPGRADE);
    await client.take("\r\n\r\n");
    clock.advance(1100);
    await client.end();
    await backend.connections[0]?.end();
  });

  it("that the endpoint declines is a plain request", async () => {
    const backend = await answering(OK);
    await using proxy = await startProxy({ backends: [backend] });
    const client = await proxy.client();
    client.write(UPGRADE);
    assert.equal((await client.message()).body, "ok");
    client.write(GET);
    assert.equal((await client.message()).body, "ok");
  });

  it("that nobody asked for is a broken answer", async () => {
    await using proxy = await startProxy({ backends: [await answering(SWITCHED)], upstream: { retries: 0 } });
    const client = await proxy.client();
    client.write(GET);
    assert.match((await client.message()).head, /^HTTP\/1.1 502/);
    assert.equal(
      await proxy.metric("outrigger_http_violations_total", {
        side: "upstream",
        reason: "unexpected-upgrade",
      }),
      1,
    );
  });

  it("to h2c is not passed on: its frames would pass the strict parser unread", async () => {
    const backend = await answering(OK);
    await using proxy = await startProxy({ backends: [backend], http: { forwarded: false } });
    const client = await proxy.client();
    client.write(
      "GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n\r\n",
    );
    await client.message();
    assert.deepEqual(backend.arrivals, ["GET / HTTP/1.1\r\nHost: a\r\n\r\n"]);
  });

  it("passes back-pressure through", async () => {
    const backend = await Backend.start(async (connection) => {
      await connection.take("\r\n\r\n");
      connection.write(SWITCHED);
      const written = await writeUntilStuck(connection.socket, BODY);
      assert.ok(written < IN_TRANSIT, `${written} bytes were taken although nobody read`);
      stuck = true;
    });
    let stuck = false;
    await using proxy = await startProxy({ backends: [backend] });
    const client = await proxy.client();
    client.write(UPGRADE);
    await client.take("\r\n\r\n");
    client.socket.pause();
    await eventually(() => stuck || backend.failure !== null);
  });
});
