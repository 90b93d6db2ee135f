/** The end of a tunnel: all that was sent arrives where somebody reads, and nobody who does not is waited for without end. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { connect, createServer, type AddressInfo, type Socket } from "node:net";
import { it } from "node:test";
import { Upstream, upstreamConfig } from "@outrigger/upstream";
import { VirtualClock } from "@outrigger/core/testing";
import { eventually } from "../testing/bench-of-parts.ts";
import { HTTP1_DEFAULTS, Settings } from "./settings.ts";
import { Tunnel } from "./tunnel.ts";
import type { UpstreamConnection } from "./upstream-connection.ts";

const BYTES = Buffer.alloc(32 * 1024 * 1024, "outrigger ");

/** Both ends of one connection. */
async function pair(): Promise<{ far: Socket; near: Socket }> {
  const server = createServer({ allowHalfOpen: true, pauseOnConnect: true });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const far = connect({
    port: (server.address() as AddressInfo).port,
    host: "127.0.0.1",
    allowHalfOpen: true,
  });
  const [near] = (await once(server, "connection")) as [Socket];
  server.close();
  return { far, near };
}

async function tunnel() {
  const clock = new VirtualClock();
  const upstream = new Upstream("test", upstreamConfig({ endpoints: ["127.0.0.1:1"] }), { clock });
  const settings = new Settings(clock, { ...HTTP1_DEFAULTS, stallTimeout: 1000 }, upstream, null);
  const [client, endpoint] = [await pair(), await pair()];
  const connection = {
    socket: endpoint.near,
    write: (bytes: Uint8Array) => endpoint.near.write(bytes),
    pause: () => {},
    resume: () => {},
    lend: (bytes: Buffer, start: number, end: number) => bytes.subarray(start, end),
    giveBufferAway: () => {},
    destroy: () => void endpoint.near.destroy(),
  };
  let closed = 0;
  const under = new Tunnel(
    client.near,
    connection as unknown as UpstreamConnection,
    settings,
    () => void closed++,
  );
  return { clock, under, client, endpoint, closed: () => closed };
}

it("a tunnel whose sides have both ended waits for a reader that has stopped as long as stallTimeout, and no longer", async () => {
  const { clock, under, client, endpoint, closed } = await tunnel();
  under.fromUpstream(BYTES, 0, BYTES.length);
  under.upstreamEnded();
  under.clientEnded();
  await once(endpoint.near, "finish");
  assert.ok(client.near.writableLength > 0);
  clock.advance(999);
  assert.equal(closed(), 0);
  clock.advance(1);
  assert.equal(closed(), 1);
  assert.ok(client.near.destroyed && endpoint.near.destroyed, "a socket is left open");
  client.far.destroy();
  endpoint.far.destroy();
});

for (const first of ["client", "endpoint"] as const) {
  it(`a tunnel that the ${first} ends first gives both sides all bytes before it is closed`, async () => {
    const { under, client, endpoint, closed } = await tunnel();
    const read = { client: 0, endpoint: 0 };
    client.far.on("data", (chunk: Buffer) => (read.client += chunk.length));
    endpoint.far.on("data", (chunk: Buffer) => (read.endpoint += chunk.length));
    under.fromUpstream(BYTES, 0, BYTES.length);
    under.fromClient(BYTES);
    if (first === "client") under.clientEnded();
    else under.upstreamEnded();
    assert.equal(closed(), 0);
    if (first === "client") under.upstreamEnded();
    else under.clientEnded();
    await eventually(() => closed() === 1);
    await eventually(() => read.client === BYTES.length && read.endpoint === BYTES.length);
    client.far.destroy();
    endpoint.far.destroy();
  });
}
