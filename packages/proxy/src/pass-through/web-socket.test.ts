/** WebSockets through the wrapper, and what only looks like one. */
import assert from "node:assert/strict";
import type { Socket } from "node:net";
import { describe, it } from "node:test";
import { WebSocket, WebSocketServer } from "ws";
import { eventually, freePort, VirtualClock } from "@outrigger/core/testing";
import { clientOf, httpEndpoint, passThroughTo, rawEndpoint } from "./testing/behind.ts";

const HOST = "127.0.0.1";
const HANDSHAKE =
  "GET /ws//x HTTP/1.1\r\nHost: shop\r\nConnection: keep-alive, Upgrade\r\nUpgrade: WebSocket\r\nX-Token: forged\r\n\r\n";
const SWITCHED = "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n";

/** An endpoint that answers the handshake with `answer`, and then sends back what it gets. */
async function echoing(answer: string, ended?: (socket: Socket) => void) {
  let head = "";
  let failed = 0;
  const raw = await rawEndpoint((socket) => {
    socket.on("error", () => failed++);
    socket.on("data", (chunk: Buffer) => {
      if (head.includes("\r\n\r\n")) {
        socket.write(chunk);
        return;
      }
      head += chunk.toString("latin1");
      if (head.includes("\r\n\r\n")) socket.write(answer);
    });
    socket.on("end", () => (ended ? ended(socket) : socket.end()));
  });
  return { ...raw, head: () => head, failed: () => failed };
}

describe("a WebSocket", () => {
  it("is a tunnel: frames of a library go both ways, and its closing handshake", async () => {
    const endpoint = await httpEndpoint(() => {});
    const sockets = new WebSocketServer({ server: endpoint.server });
    sockets.on("connection", (socket) =>
      socket.on("message", (data: Buffer, binary) => socket.send(data, { binary })),
    );
    await using proxy = await passThroughTo({ host: HOST, port: endpoint.port });
    const client = new WebSocket(`ws://${HOST}:${proxy.port}/`);
    const got: string[] = [];
    let closed = 0;
    client.on("message", (data: Buffer) => got.push(data.toString()));
    client.on("close", (code) => (closed = code));
    await eventually("it is open", () => client.readyState === WebSocket.OPEN);
    assert.equal(proxy.pass.tunnels, 1);
    const big = "x".repeat(1 << 20);
    client.send("hello");
    client.send(big);
    await eventually("both came back", () => got.length === 2);
    assert.ok(got[0] === "hello" && got[1] === big);
    client.close(4001);
    await eventually("it is closed", () => closed === 4001);
    await eventually("nothing is left", () => proxy.pass.inFlight === 0);
    assert.deepEqual(proxy.outcomes, [{ kind: "answered", status: 101 }]);
    endpoint.close();
  });

  it("comes with the target's fields and the path as it was; bytes right behind either head are not lost", async () => {
    const behind = await echoing(`${SWITCHED}first`);
    await using proxy = await passThroughTo({
      host: HOST,
      port: behind.port,
      setHeaders: { "x-token": "true" },
      removeHeaders: ["x-token"],
    });
    const client = await clientOf(proxy.port, `${HANDSHAKE}early`);
    await eventually("both have come", () => client.text.endsWith("firstearly"));
    assert.match(behind.head(), /^GET \/ws\/\/x HTTP\/1.1\r\n/);
    assert.match(behind.head(), /^connection: Upgrade\r\nupgrade: websocket\r$/im);
    assert.deepEqual(behind.head().match(/x-token: .*/gi), ["x-token: true"]);
    client.socket.destroy();
    await eventually("nothing is left", () => proxy.pass.inFlight === 0);
    behind.close();
  });

  it("may end on one side first: the client's", async () => {
    const behind = await echoing(SWITCHED, (socket) => socket.end("last"));
    await using proxy = await passThroughTo({ host: HOST, port: behind.port });
    const client = await clientOf(proxy.port, HANDSHAKE);
    await eventually("it is open", () => client.text.includes("101"));
    client.socket.end("bye");
    await eventually("the rest has come", () => client.text.endsWith("byelast") && client.state === "ended");
    await eventually("nothing is left", () => proxy.pass.inFlight === 0);
    behind.close();
  });

  it("may end on one side first: the endpoint's", async () => {
    let got = "";
    const behind = await rawEndpoint((socket) => {
      socket.once("data", () => {
        socket.end(SWITCHED);
        socket.on("data", (chunk: Buffer) => (got += chunk.toString()));
      });
    });
    await using proxy = await passThroughTo({ host: HOST, port: behind.port });
    const client = await clientOf(proxy.port, HANDSHAKE);
    await eventually("the endpoint has ended", () => client.state === "ended");
    client.socket.end("still here");
    await eventually("it was heard", () => got === "still here");
    await eventually("nothing is left", () => proxy.pass.inFlight === 0);
    behind.close();
  });

  for (const side of ["client", "endpoint"] as const)
    it(`that the ${side} resets is reset on the other side, and nothing else happens`, async () => {
      const behind = await echoing(SWITCHED);
      await using proxy = await passThroughTo({ host: HOST, port: behind.port });
      const client = await clientOf(proxy.port, HANDSHAKE);
      await eventually("it is open", () => client.text.includes("101"));
      if (side === "client") client.socket.resetAndDestroy();
      else behind.sockets[0]?.resetAndDestroy();
      await eventually("the other is told", () =>
        side === "client" ? behind.sockets[0]?.destroyed === true : client.state === "reset",
      );
      await eventually("nothing is left", () => proxy.pass.inFlight === 0);
      behind.close();
    });

  it("whose client resets while the endpoint thinks takes the upstream request along", async () => {
    const behind = await echoing("");
    await using proxy = await passThroughTo({ host: HOST, port: behind.port });
    const client = await clientOf(proxy.port, HANDSHAKE);
    await eventually("the endpoint has it", () => behind.head().includes("\r\n\r\n"));
    client.socket.resetAndDestroy();
    await eventually(
      "the endpoint is told",
      () => behind.sockets[0]?.readableEnded === true || behind.failed() > 0,
    );
    await eventually("it is over", () => proxy.outcomes.length === 1);
    assert.deepEqual(proxy.outcomes, [{ kind: "client-closed" }]);
    behind.close();
  });

  it("that the endpoint refuses gets that answer whole, without its chunks, and the end of the connection", async () => {
    const behind = await echoing(
      "HTTP/1.1 403 Forbidden\r\nX-Why: because\r\nTransfer-Encoding: chunked\r\nTrailer: x\r\n\r\n3\r\nnot\r\n4\r\n you\r\n0\r\n\r\n",
    );
    await using proxy = await passThroughTo({ host: HOST, port: behind.port });
    const client = await clientOf(proxy.port, HANDSHAKE);
    await eventually("it is refused", () => client.state === "ended");
    assert.match(
      client.text,
      /^HTTP\/1.1 403 Forbidden\r\nx-why: because\r\nconnection: close\r\n\r\nnot you$/,
    );
    client.socket.end("late");
    await eventually("it is over", () => proxy.outcomes.length === 1);
    assert.deepEqual(proxy.outcomes, [{ kind: "answered", status: 403 }]);
    behind.close();
  });

  it("whose refusal breaks off is reset", async () => {
    const behind = await echoing("HTTP/1.1 403 Forbidden\r\nContent-Length: 9\r\n\r\nhalf");
    await using proxy = await passThroughTo({ host: HOST, port: behind.port });
    const client = await clientOf(proxy.port, HANDSHAKE);
    await eventually("half has come", () => client.text.endsWith("half"));
    behind.sockets[0]?.destroy();
    await eventually("it is reset", () => client.state === "reset");
    assert.equal(proxy.outcomes[0]?.kind, "failed");
    behind.close();
  });

  for (const [name, endpoint, reason] of [
    ["that nobody accepts", async () => ({ port: await freePort(), close: () => {} }), "connect-failure"],
    [
      "whose endpoint hangs up",
      () => rawEndpoint((socket) => void socket.once("data", () => socket.destroy())),
      "reset",
    ],
  ] as const)
    it(`${name} is a 502 with the reason`, async () => {
      const behind = await endpoint();
      await using proxy = await passThroughTo({ host: HOST, port: behind.port });
      const client = await clientOf(proxy.port, HANDSHAKE);
      await eventually("it is told", () => client.state === "ended");
      assert.match(
        client.text,
        new RegExp(`^HTTP/1.1 502 Bad Gateway\r\n.*x-outrigger-reason: ${reason}\r\n`, "s"),
      );
      client.socket.end();
      await eventually("nothing is left", () => proxy.pass.inFlight === 0);
      behind.close();
    });

  it("that the endpoint never answers is a 504; one that is open may be silent", async () => {
    const clock = new VirtualClock();
    const behind = await echoing("");
    await using proxy = await passThroughTo(
      { host: HOST, port: behind.port },
      { clock, stallTimeout: 5_000 },
    );
    const client = await clientOf(proxy.port, HANDSHAKE);
    await eventually("the endpoint has it", () => behind.head().includes("\r\n\r\n"));
    clock.advance(5_000);
    await eventually("it is told", () => client.state === "ended");
    assert.match(client.text, /^HTTP\/1.1 504 /);
    client.socket.end();
    behind.close();

    const open = await echoing(SWITCHED);
    await using second = await passThroughTo({ host: HOST, port: open.port }, { clock, stallTimeout: 5_000 });
    const silent = await clientOf(second.port, HANDSHAKE);
    await eventually("it is open", () => silent.text.includes("101"));
    clock.advance(3_600_000);
    silent.socket.write("hello");
    await eventually("it is answered", () => silent.text.endsWith("hello"));
    assert.equal(second.pass.cutTunnels(), 1);
    await eventually("it is cut", () => silent.state === "reset");
    open.close();
  });

  it("that is not wanted any more once there is a connection is not sent", async () => {
    const behind = await echoing(SWITCHED);
    await using proxy = await passThroughTo({ host: HOST, port: behind.port, stillWanted: () => false });
    const client = await clientOf(proxy.port, HANDSHAKE);
    await eventually("it is told", () => client.state === "ended");
    assert.match(client.text, /^HTTP\/1.1 503 .*withdrawn/s);
    await eventually("the connection is gone", () =>
      behind.sockets.every((socket) => socket.readableEnded || socket.destroyed),
    );
    assert.equal(behind.head(), "");
    client.socket.end();
    behind.close();
  });
});

describe("an upgrade that is not carried on", () => {
  for (const [name, head, body] of [
    [
      "HTTP/2, as Java's client offers it with a body",
      "POST /x HTTP/1.1\r\nHost: shop\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAEAAEAA\r\nContent-Length: 4\r\nX-Kept: 1\r\n\r\n",
      "body",
    ],
    [
      "HTTP/2 with a body in chunks",
      "POST /x HTTP/1.1\r\nHost: shop\r\nConnection: Upgrade\r\nUpgrade: h2c\r\nTransfer-Encoding: chunked\r\nX-Kept: 1\r\n\r\n",
      "4\r\nbody\r\n0\r\n\r\n",
    ],
    [
      "a WebSocket by POST",
      "POST /x HTTP/1.1\r\nHost: shop\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nX-Kept: 1\r\n\r\n",
      "",
    ],
    [
      "a WebSocket with a body",
      "GET /x HTTP/1.1\r\nHost: shop\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nContent-Length: 4\r\nX-Kept: 1\r\n\r\n",
      "body",
    ],
  ] as const)
    it(`is an ordinary request: ${name}; and others follow on its connection`, async () => {
      const endpoint = await httpEndpoint((request, response) => {
        let got = "";
        request.on("data", (chunk: Buffer) => (got += chunk.toString()));
        request.on("end", () =>
          response.end(
            `${request.method} ${request.headers.upgrade} ${String(request.headers["x-kept"])} ${got}`,
          ),
        );
      });
      await using proxy = await passThroughTo({ host: HOST, port: endpoint.port });
      const client = await clientOf(proxy.port, head);
      client.socket.write(body);
      await eventually("it is answered", () =>
        client.text.endsWith(`undefined 1 ${body === "" ? "" : "body"}`),
      );
      client.socket.write("GET /next HTTP/1.1\r\nHost: shop\r\n\r\n");
      await eventually("the next is, too", () => client.text.endsWith("GET undefined undefined "));
      client.socket.destroy();
      endpoint.close();
    });
});
