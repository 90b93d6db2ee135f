/** Who gets a place for a connection, and when: maxConnections and the line. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { upstreamConfig } from "@outrigger/upstream";
import { VirtualClock } from "@outrigger/core/testing";
import { answering, Backend, eventually, holding, OK, startProxy } from "../testing/bench-of-parts.ts";

const GET = (path: string): string => `GET ${path} HTTP/1.1\r\nHost: shop\r\n\r\n`;
const POST = "POST / HTTP/1.1\r\nHost: shop\r\nContent-Length: 1\r\n\r\na";

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

  it("a body whose length nobody knows goes onto no connection that has been idle for long", async () => {
    const clock = new VirtualClock();
    const backend = await answering(OK);
    await using proxy = await startProxy({ backends: [backend], clock });
    const client = await proxy.client();
    client.write(GET("/"));
    await client.message();
    clock.advance(2000);
    client.write("PUT / HTTP/1.1\r\nHost: shop\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n");
    await eventually(() => backend.connections.length === 2);
    client.write("0\r\n\r\n");
    assert.equal((await client.message()).body, "ok");
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
