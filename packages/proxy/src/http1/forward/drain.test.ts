/** The end of a listener: what is in flight, what is on its way, and who has not read yet. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { connect } from "node:net";
import { describe, it } from "node:test";
import { VirtualClock } from "@outrigger/core/testing";
import { answering, Backend, eventually, holding, OK, startProxy, turns } from "../testing/bench-of-parts.ts";
import { ByteStream } from "../testing/byte-stream.ts";

const GET = "GET /a HTTP/1.1\r\nHost: shop\r\n\r\n";

describe("draining", () => {
  it("answers what is in flight with connection: close, then is done", async () => {
    const backend = await Backend.start(async (connection) => {
      await connection.message();
      await eventually(() => draining);
      connection.write(OK);
    });
    let draining = false;
    await using proxy = await startProxy({ backends: [backend] });
    const client = await proxy.client();
    client.write(GET);
    await eventually(() => proxy.listener.inFlight() === 1);
    await proxy.listener.stopAccepting();
    const drained = proxy.listener.drain(new AbortController().signal);
    draining = true;
    assert.match((await client.message()).head, /connection: close/);
    client.close();
    assert.equal(await drained, 0);
    await assert.rejects(proxy.client(), /ECONNREFUSED/);
  });

  it("gives an idle connection a moment for the request that is on its way, then closes it", async () => {
    const clock = new VirtualClock();
    await using proxy = await startProxy({ backends: [await answering(OK)], clock });
    const [late, idle] = [await proxy.client(), await proxy.client()];
    for (const client of [late, idle]) {
      client.write(GET);
      await client.message();
    }
    const drained = proxy.listener.drain(new AbortController().signal);
    late.write(GET);
    assert.match((await late.message()).head, /^HTTP\/1.1 200 .*connection: close/s);
    assert.equal(idle.ended, false);
    clock.advance(600);
    await idle.end();
    for (const client of [late, idle]) client.close();
    assert.equal(await drained, 0);
  });

  it("cuts what is left when its time is up, and says how much", async () => {
    const backend = await Backend.start(async (connection) => {
      backend.arrivals.push((await connection.message()).head);
      await connection.end();
    });
    await using proxy = await startProxy({ backends: [backend] });
    const clients = [await proxy.client(), await proxy.client(), await proxy.client()];
    for (const client of clients) client.write(GET);
    await eventually(() => backend.arrivals.length === 3);
    const hurry = new AbortController();
    const drained = proxy.listener.drain(hurry.signal);
    hurry.abort();
    assert.equal(await drained, 3);
    for (const client of clients) await client.end();
  });

  it("leaves a client that was just answered a moment for its next request, and then closes", async () => {
    const clock = new VirtualClock();
    await using proxy = await startProxy({ backends: [await answering(OK)], clock });
    const [late, silent] = [await proxy.client(), await proxy.client()];
    silent.write(GET);
    await silent.message();
    const drained = proxy.listener.drain(new AbortController().signal);
    clock.advance(499);
    late.write(GET);
    assert.match((await late.message()).head, /^HTTP\/1.1 200 .*connection: close/s);
    clock.advance(1);
    for (const client of [late, silent]) {
      await client.end();
      client.close();
    }
    assert.equal(await drained, 0);
  });

  it("gives a client whose answer had no word of it that moment from its answer's end", async () => {
    const clock = new VirtualClock();
    const backend = await Backend.start(async (connection) => {
      await connection.message();
      connection.write("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nha");
      await eventually(() => go);
      connection.write("lf");
      await connection.message();
      connection.write(OK);
    });
    let go = false;
    await using proxy = await startProxy({ backends: [backend], clock });
    const client = await proxy.client();
    client.write(GET);
    await client.take("\r\n\r\nha");
    const drained = proxy.listener.drain(new AbortController().signal);
    clock.advance(2000);
    go = true;
    await client.take("lf");
    client.write(GET);
    assert.match((await client.message()).head, /^HTTP\/1.1 200 .*connection: close/s);
    await client.end();
    client.close();
    assert.equal(await drained, 0);
  });

  it("leaves a client its half-sent head, and answers it with the end of the connection", async () => {
    const clock = new VirtualClock();
    await using proxy = await startProxy({ backends: [await answering(OK)], clock });
    const client = await proxy.client();
    client.write("GET /a HTTP/1.1\r\nHo");
    await eventually(() => proxy.listener.connections() === 1 && clock.pendingTimers > 0);
    await turns(20);
    const drained = proxy.listener.drain(new AbortController().signal);
    clock.advance(600);
    client.write("st: shop\r\n\r\n");
    assert.match((await client.message()).head, /^HTTP\/1.1 200 .*connection: close/s);
    await client.end();
    client.close();
    assert.equal(await drained, 0);
  });

  it("closes a connection whose answer had begun before, when nothing more comes", async () => {
    const clock = new VirtualClock();
    const backend = await Backend.start(async (connection) => {
      await connection.message();
      connection.write("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nha");
      await eventually(() => draining);
      connection.write("lf");
    });
    let draining = false;
    await using proxy = await startProxy({ backends: [backend], clock });
    const client = await proxy.client();
    client.write(GET);
    await client.take("\r\n\r\nha");
    const drained = proxy.listener.drain(new AbortController().signal);
    draining = true;
    await client.take("lf");
    clock.advance(500);
    await client.end();
    client.close();
    assert.equal(await drained, 0);
  });
});

it("who has connected before the port is closed is served", async () => {
  const backend = await answering(OK);
  await using proxy = await startProxy({ backends: [backend] });
  const clients = Array.from({ length: 40 }, () => {
    const socket = connect({ host: "127.0.0.1", port: proxy.port, allowHalfOpen: true });
    socket.write(GET);
    return new ByteStream(socket);
  });
  await Promise.all(clients.map(({ socket }) => once(socket, "connect")));
  await proxy.listener.stopAccepting();
  for (const client of clients) {
    assert.equal((await client.message()).body, "ok");
    client.socket.destroy();
  }
  assert.equal(backend.arrivals.length, 40);
});

/** So many clients that connect anew as soon as they are accepted, until the port is closed. */
function comingAndGoing(count: number, port: number): void {
  const come = (): void => {
    const socket = connect({ host: "127.0.0.1", port });
    socket.on("connect", () => socket.resetAndDestroy());
    socket.on("close", (failed) => failed || come());
    socket.on("error", () => {});
  };
  for (let n = 0; n < count; n++) come();
}

it("the port closes although clients go on coming: after as many as can have waited before", async () => {
  await using proxy = await startProxy({ backends: [await answering(OK)] });
  comingAndGoing(100, proxy.port);
  await eventually(() => proxy.listener.accepted > 100);
  const before = proxy.listener.accepted;
  await proxy.listener.stopAccepting();
  assert.ok(
    proxy.listener.accepted - before <= 1024 + 1 + 200,
    `accepted ${proxy.listener.accepted - before}`,
  );
  await assert.rejects(proxy.client(), /ECONNREFUSED/);
});

it("the port closes at once when time is up, whoever comes", async () => {
  await using proxy = await startProxy({ backends: [await answering(OK)] });
  comingAndGoing(100, proxy.port);
  await eventually(() => proxy.listener.accepted > 100);
  let looked = 0;
  let closed = false;
  const stopped = proxy.listener.stopAccepting(AbortSignal.abort()).then(() => (closed = true));
  for (; !closed; looked++) await turns(1);
  await stopped;
  assert.ok(looked <= 3, `${looked} turns of the event loop`);
  await assert.rejects(proxy.client(), /ECONNREFUSED/);
});

it("gauges show what is open, and nothing once the listener has closed", async () => {
  const { backend, release } = await holding();
  await using proxy = await startProxy({ backends: [backend] });
  const gauges = async (): Promise<number[]> => [
    await proxy.metric("outrigger_http_client_connections"),
    await proxy.metric("outrigger_http_requests_in_flight"),
    await proxy.metric("outrigger_http_upstream_connections"),
  ];
  const [client] = [await proxy.client(), await proxy.client()];
  client.write("GET /held HTTP/1.1\r\nHost: shop\r\n\r\n");
  await eventually(() => backend.arrivals.length === 1 && proxy.listener.connections() === 2);
  assert.deepEqual(await gauges(), [2, 1, 1]);
  await proxy.listener.stopAccepting();
  await proxy.listener.drain(AbortSignal.abort());
  release();
  assert.deepEqual(await gauges(), [0, 0, 0]);
});

it("a drain waits for a client that has not read the answers to what it sent already", async () => {
  const clock = new VirtualClock();
  const body = "x".repeat(10_000);
  const backend = await answering(`HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\n\r\n${body}`);
  await using proxy = await startProxy({ backends: [backend], clock });
  const client = await proxy.client();
  client.socket.pause();
  for (let n = 0; n < 3000; n++) client.write(GET);
  let before = -1;
  await eventually(async () => {
    const still = before === backend.arrivals.length;
    before = backend.arrivals.length;
    await turns(100);
    return still;
  });
  assert.ok(before < 3000, "the client's socket never filled");
  const drained = proxy.listener.drain(new AbortController().signal);
  for (let n = 0; n < 10; n++) clock.advance(500);
  await turns(50);
  client.socket.resume();
  // Each answer that was asked for arrives whole, and the next one, which says that it is the last.
  for (let n = 0; n < before; n++) assert.equal((await client.message()).body.length, body.length);
  assert.match((await client.message()).head, /connection: close/);
  await client.end();
  client.close();
  assert.equal(await drained, 0);
});
