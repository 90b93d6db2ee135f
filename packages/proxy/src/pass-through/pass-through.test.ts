/** Requests through the wrapper: what goes on, what does not, and what happens when one side fails. */
import assert from "node:assert/strict";
import { createServer, request as httpRequest, type IncomingMessage } from "node:http";
import type { Socket } from "node:net";
import { describe, it } from "node:test";
import { eventually, freePort, VirtualClock } from "@outrigger/core/testing";
import { createPassThrough } from "./pass-through.ts";
import { clientOf, httpEndpoint, passThroughTo, portOf, rawEndpoint } from "./testing/behind.ts";

const HOST = "127.0.0.1";
const OK = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
const GET = "GET / HTTP/1.1\r\nHost: shop\r\n\r\n";

/** More than all buffers on the way hold. */
const REST = "rest".repeat(8 << 20);

/** Keeps what came, as text, and answers each head with `answer`. */
async function recording(answer: string | ((socket: Socket, count: number) => void)) {
  const got: string[] = [];
  let count = 0;
  const raw = await rawEndpoint((socket) => {
    const mine = got.push("") - 1;
    socket.on("data", (chunk: Buffer) => {
      const before = got[mine]?.split("\r\n\r\n").length ?? 0;
      got[mine] += chunk.toString("latin1");
      if (before > 1 && !chunk.toString("latin1").includes(" HTTP/1.1\r\n")) return;
      if (typeof answer === "string") socket.write(answer, "latin1");
      else answer(socket, ++count);
    });
    socket.on("end", () => socket.end());
  });
  return { ...raw, got };
}

/** One request in raw bytes; resolves with what the endpoint got and what the client got. */
async function exchange(sent: string, answer: string, whole: (text: string) => boolean) {
  const behind = await recording(answer);
  await using proxy = await passThroughTo({ host: HOST, port: behind.port });
  const client = await clientOf(proxy.port, sent);
  await eventually("the answer has come", () => whole(client.text) || client.state !== "open");
  client.socket.destroy();
  behind.close();
  return { got: behind.got[0] ?? "", text: client.text, state: client.state };
}

describe("what goes on", () => {
  it("has its target byte for byte, also where http-proxy would mend it", async () => {
    for (const target of ["//a//b?next=http://shop//c", "/a/../b", "/%7Ea|b", "/?", "http://shop/absolute"]) {
      const { got } = await exchange(`GET ${target} HTTP/1.1\r\nHost: shop\r\n\r\n`, OK, (text) =>
        text.endsWith("ok"),
      );
      assert.equal(got.slice(0, got.indexOf("\r\n")), `GET ${target} HTTP/1.1`);
    }
  });

  it("is without the fields of one hop, in both directions, and with those of forwarding", async () => {
    const { got, text } = await exchange(
      "GET / HTTP/1.1\r\nHost: shop\r\nConnection: keep-alive, X-Private\r\nX-Private: 1\r\nKeep-Alive: 5\r\nTE: trailers, deflate\r\nProxy-Authorization: x\r\nX-Forwarded-For: 10.1.2.3\r\nX-Forwarded-Proto: https\r\nX-Kept: yes\r\n\r\n",
      "HTTP/1.1 200 OK\r\nConnection: keep-alive, X-Secret\r\nX-Secret: 1\r\nKeep-Alive: timeout=9\r\nProxy-Connection: x\r\nX-Kept: yes\r\nSet-Cookie: a=1\r\nSet-Cookie: b=2\r\nContent-Length: 2\r\n\r\nok",
      (answer) => answer.endsWith("ok"),
    );
    for (const gone of [/x-private/i, /keep-alive: 5/i, /deflate/i, /proxy-authorization/i])
      assert.doesNotMatch(got, gone);
    for (const there of [
      /^host: shop\r$/im,
      /^x-forwarded-for: 10\.1\.2\.3, 127\.0\.0\.1\r$/im,
      /^x-forwarded-proto: https\r$/im,
      /^x-forwarded-host: shop\r$/im,
      /^x-kept: yes\r$/im,
      /^te: trailers\r$/im,
    ])
      assert.match(got, there);
    for (const gone of [/x-secret/i, /proxy-connection/i, /timeout=9/]) assert.doesNotMatch(text, gone);
    for (const there of [
      /^x-kept: yes\r$/im,
      /^set-cookie: a=1\r\nset-cookie: b=2\r$/im,
      /^connection: keep-alive\r$/im,
    ])
      assert.match(text, there);
  });

  it("keeps what frames a message, also where Connection names it", async () => {
    const { got } = await exchange(
      "GET / HTTP/1.1\r\nHost: shop\r\nConnection: content-length, host\r\nContent-Length: 4\r\n\r\nbody",
      OK,
      (text) => text.endsWith("ok"),
    );
    assert.match(got, /^content-length: 4\r$/im);
    assert.match(got, /^host: shop\r$/im);
  });

  for (const method of ["DELETE", "OPTIONS", "GET"])
    it(`frames the body of a ${method} in chunks, so that it is not read as the next request`, async () => {
      const { got } = await exchange(
        `${method} / HTTP/1.1\r\nHost: shop\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nbody\r\n0\r\n\r\n`,
        OK,
        (text) => text.endsWith("ok"),
      );
      assert.match(got, /^transfer-encoding: chunked\r$/im);
      assert.doesNotMatch(got, /content-length/i);
      assert.match(got, /\r\n4\r\nbody\r\n/);
    });

  it("carries trailers both ways, and none that the target does not want", async () => {
    const endpoint = await httpEndpoint((request, response) => {
      request.resume().once("end", () => {
        response.writeHead(200, { trailer: "x-after" });
        response.write(JSON.stringify(request.trailers));
        response.addTrailers({ "x-after": "answer" });
        response.end();
      });
    });
    await using proxy = await passThroughTo({ host: HOST, port: endpoint.port, removeHeaders: ["X-Token"] });
    const client = await clientOf(
      proxy.port,
      "POST / HTTP/1.1\r\nHost: shop\r\nTE: trailers\r\nTransfer-Encoding: chunked\r\nTrailer: x-sum\r\n\r\n1\r\na\r\n0\r\nx-sum: 7\r\nx_token: 9\r\n\r\n",
    );
    await eventually(
      "the answer has come",
      () => client.text.endsWith("\r\n\r\n") && client.text.includes("\r\n0\r\n"),
    );
    assert.match(client.text, /\{"x-sum":"7"\}/);
    assert.match(client.text, /\r\n0\r\nx-after: answer\r\n\r\n$/i);
    client.socket.destroy();
    endpoint.close();
  });

  it("streams: a body is passed on while it comes, in either direction", async () => {
    const endpoint = await httpEndpoint((request, response) => {
      request.on("data", (chunk: Buffer) => response.write(chunk.toString().toUpperCase()));
      request.on("end", () => response.end());
    });
    await using proxy = await passThroughTo({ host: HOST, port: endpoint.port });
    const client = await clientOf(
      proxy.port,
      "POST / HTTP/1.1\r\nHost: shop\r\nTransfer-Encoding: chunked\r\n\r\n",
    );
    for (const word of ["one", "two"]) {
      client.socket.write(`3\r\n${word}\r\n`);
      await eventually("it came back", () => client.text.endsWith(`3\r\n${word.toUpperCase()}\r\n`));
    }
    client.socket.write("0\r\n\r\n");
    await eventually("it is over", () => client.text.endsWith("0\r\n\r\n"));
    client.socket.destroy();
    endpoint.close();
  });

  it("is whole, 32 MB there and back", async () => {
    const endpoint = await httpEndpoint((request, response) => void request.pipe(response));
    await using proxy = await passThroughTo({ host: HOST, port: endpoint.port });
    const body = Buffer.alloc(32 << 20, "outrigger ");
    const back = await new Promise<Buffer>((resolve, reject) => {
      const request = httpRequest(
        { host: HOST, port: proxy.port, method: "POST", agent: false },
        (response) => {
          const chunks: Buffer[] = [];
          response.on("data", (chunk: Buffer) => chunks.push(chunk));
          response.once("end", () => resolve(Buffer.concat(chunks)));
        },
      );
      request.once("error", reject);
      request.end(body);
    });
    assert.ok(back.equals(body));
    endpoint.close();
  });

  it("has its expectation answered here, and not there", async () => {
    const behind = await recording(OK);
    await using proxy = await passThroughTo({ host: HOST, port: behind.port });
    const client = await clientOf(
      proxy.port,
      "POST / HTTP/1.1\r\nHost: shop\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n",
    );
    await eventually("it may go on", () => client.text.startsWith("HTTP/1.1 100 Continue\r\n\r\n"));
    client.socket.write("body");
    await eventually("it is answered", () => client.text.endsWith("ok"));
    assert.match(behind.got[0] ?? "", /\r\n\r\nbody$/);
    assert.doesNotMatch(behind.got[0] ?? "", /expect/i);
    client.socket.destroy();
    behind.close();
  });
});

describe("answers that Node would throw at", () => {
  for (const [name, answer, wanted] of [
    [
      "a reason phrase with a control character",
      "HTTP/1.1 200 O\x01K\r\nContent-Length: 2\r\n\r\nok",
      /^HTTP\/1.1 200 OK\r\n/,
    ],
    ["a status below 100", "HTTP/1.1 099 Odd\r\nContent-Length: 2\r\n\r\nok", /^HTTP\/1.1 502 /],
    [
      "announced trailers without chunks",
      "HTTP/1.1 304 Not Modified\r\nTrailer: x-after\r\n\r\n",
      /^HTTP\/1.1 304 /,
    ],
    [
      "announced trailers and a length",
      "HTTP/1.1 200 OK\r\nTrailer: x-after\r\nContent-Length: 2\r\n\r\nok",
      /^HTTP\/1.1 200 /,
    ],
    [
      "an upgrade that nobody asked for",
      "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n",
      /^HTTP\/1.1 502 /,
    ],
    ["what is not HTTP", "-ERR unknown command 'GET'\r\n", /^HTTP\/1.1 502 /],
  ] as const)
    it(`${name}: the client is answered, and the process lives`, async () => {
      const { text } = await exchange(GET, answer, (got) => /\r\n\r\n(?:.|\n)*/.test(got));
      assert.match(text, wanted);
    });
});

describe("connections", () => {
  it("to the endpoint are kept for requests that may be repeated; others have one of their own", async () => {
    const behind = await recording(OK);
    await using proxy = await passThroughTo({ host: HOST, port: behind.port });
    const client = await clientOf(proxy.port);
    const ask = async (text: string, count: number): Promise<void> => {
      client.socket.write(text);
      await eventually("it is answered", () => client.text.split("\r\n\r\nok").length === count + 1);
    };
    await ask(GET, 1);
    await ask(GET, 2);
    assert.equal(behind.sockets.length, 1);
    await ask("POST / HTTP/1.1\r\nHost: shop\r\nContent-Length: 1\r\n\r\na", 3);
    assert.equal(behind.sockets.length, 2);
    assert.match(behind.got[1] ?? "", /^connection: close\r$/im);
    await ask(GET, 4);
    assert.equal(behind.sockets.length, 2);
    client.socket.destroy();
    behind.close();
  });

  it("that were closed just when they are used again cost nobody a request", async () => {
    const behind = await recording((socket, count) => {
      if (count === 2) socket.destroy();
      else socket.write(OK);
    });
    await using proxy = await passThroughTo({ host: HOST, port: behind.port });
    const client = await clientOf(proxy.port, GET);
    await eventually("it is answered", () => client.text.endsWith("ok"));
    client.socket.write(GET);
    await eventually("and again", () => client.text.split("\r\n\r\nok").length === 3);
    assert.equal(behind.sockets.length, 2);
    assert.equal(proxy.outcomes.length, 2);
    client.socket.destroy();
    behind.close();
  });

  it("of the client end when it wants that, or speaks HTTP/1.0", async () => {
    for (const head of [
      "GET / HTTP/1.1\r\nHost: shop\r\nConnection: close\r\n\r\n",
      "GET / HTTP/1.0\r\n\r\n",
    ]) {
      const { text, state } = await exchange(
        head,
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
        () => false,
      );
      assert.equal(state, "ended");
      assert.match(text, /^connection: close\r$/im);
      if (head.includes("1.0")) assert.match(text, /\r\n\r\nok$/);
    }
  });

  it("of the client go on after an answer that came before the upload was over", async () => {
    const behind = await recording("HTTP/1.1 413 Content Too Large\r\nContent-Length: 2\r\n\r\nno");
    await using proxy = await passThroughTo({ host: HOST, port: behind.port });
    const client = await clientOf(
      proxy.port,
      `POST / HTTP/1.1\r\nHost: shop\r\nContent-Length: ${4 + REST.length}\r\n\r\nhalf`,
    );
    await eventually("it is answered", () => client.text.endsWith("no"));
    await eventually("the endpoint is let go", () => behind.sockets[0]?.readableEnded === true);
    assert.deepEqual(proxy.outcomes, [{ kind: "answered", status: 413 }]);
    client.socket.write(`${REST}${GET}`);
    await eventually("the next is answered, too", () => client.text.split("\r\n\r\nno").length === 3);
    client.socket.destroy();
    behind.close();
  });
});

describe("failures", () => {
  it("an endpoint that refuses is a 502 with the reason, and nothing was sent", async () => {
    const port = await freePort();
    await using proxy = await passThroughTo({ host: HOST, port });
    const client = await clientOf(
      proxy.port,
      "POST / HTTP/1.1\r\nHost: shop\r\nContent-Length: 4\r\n\r\nbody",
    );
    await eventually("it is told", () => client.text.includes("}\n"));
    assert.match(client.text, /^HTTP\/1.1 502 Bad Gateway\r\n.*x-outrigger-reason: connect-failure\r\n/s);
    assert.match(client.text, new RegExp(`127.0.0.1:${port}: accepted no connection: ECONNREFUSED`));
    assert.equal(proxy.outcomes[0]?.kind, "unsent");
    client.socket.write(GET);
    await eventually("the connection goes on", () => client.text.split("HTTP/1.1 502").length === 3);
    client.socket.destroy();
  });

  it("an endpoint that does not accept in time is a 504", async () => {
    const clock = new VirtualClock();
    const behind = await recording(OK);
    const pass = await createPassThrough({ clock, connectTimeout: 2_000 });
    const server = createServer((request, response) => {
      void pass.forward(request, response, { host: HOST, port: behind.port });
      // Before the kernel is asked for news.
      clock.advance(2_000);
    });
    server.listen(0, HOST);
    await eventually("it listens", () => server.listening);
    const client = await clientOf(portOf(server), GET);
    await eventually("it is told", () => client.text.includes("}\n"));
    assert.match(
      client.text,
      /^HTTP\/1.1 504 Gateway Timeout\r\n.*connect-timeout.*accepted no connection for 2s/s,
    );
    assert.equal(clock.pendingTimers, 0);
    client.socket.destroy();
    pass.stop();
    server.close();
    behind.close();
  });

  it("an endpoint that lets nothing move is a 504, and in the middle of its answer the client's end", async () => {
    for (const answer of ["", "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf"]) {
      const clock = new VirtualClock();
      const behind = await recording((socket) => void (answer !== "" && socket.write(answer)));
      await using proxy = await passThroughTo(
        { host: HOST, port: behind.port },
        { clock, stallTimeout: 5_000 },
      );
      const client = await clientOf(proxy.port, GET);
      await eventually("it is with the endpoint", () =>
        answer === "" ? behind.got[0] !== undefined : client.text.endsWith("half"),
      );
      clock.advance(4_999);
      assert.equal(proxy.pass.inFlight, 1);
      clock.advance(1);
      await eventually("it is over", () => proxy.outcomes.length === 1);
      if (answer === "") {
        await eventually("it is told", () => client.text.includes("}\n"));
        assert.match(client.text, /^HTTP\/1.1 504 .*let nothing move for 5s/s);
      } else await eventually("it is cut", () => client.state !== "open");
      await eventually(
        "the endpoint is let go",
        () => behind.sockets[0]?.readableEnded === true || behind.sockets[0]?.destroyed === true,
      );
      assert.equal(clock.pendingTimers, 0);
      client.socket.destroy();
      behind.close();
    }
  });

  it("a request that is not wanted any more once there is a connection is not sent", async () => {
    const behind = await recording(OK);
    await using proxy = await passThroughTo({ host: HOST, port: behind.port, stillWanted: () => false });
    const client = await clientOf(proxy.port, GET);
    await eventually("it is told", () => client.text.includes("}\n"));
    assert.match(client.text, /^HTTP\/1.1 503 .*retry-after: 1\r\n.*withdrawn/s);
    await eventually(
      "the connection is gone",
      () => behind.sockets[0]?.destroyed === true || behind.sockets[0]?.readableEnded === true,
    );
    assert.deepEqual(
      behind.got.filter((text) => text !== ""),
      [],
    );
    client.socket.destroy();
    behind.close();
  });
});

describe("draining", () => {
  it("waits for what is in flight; cuts it when the signal aborts, and says how much", async () => {
    const held: IncomingMessage[] = [];
    const endpoint = await httpEndpoint((request, response) => {
      held.push(request);
      if (request.url === "/soon") response.end("ok");
    });
    await using proxy = await passThroughTo({ host: HOST, port: endpoint.port });
    assert.equal(await proxy.pass.drain(new AbortController().signal), 0);
    const clients = [await clientOf(proxy.port, GET), await clientOf(proxy.port, GET)];
    await eventually("they are under way", () => held.length === 2);
    const hurry = new AbortController();
    const drained = proxy.pass.drain(hurry.signal);
    hurry.abort();
    assert.equal(await drained, 2);
    for (const client of clients) await eventually("it is cut", () => client.state !== "open");
    assert.deepEqual(proxy.outcomes, [{ kind: "cut" }, { kind: "cut" }]);
    await eventually("the endpoint is told", () => held.every(({ destroyed }) => destroyed));
    endpoint.close();
  });

  for (const how of ["stop", "stall"] as const)
    it(`cuts a client that does not read: at a ${how}`, async () => {
      const clock = new VirtualClock();
      const endpoint = await httpEndpoint((_, response) => void response.end(Buffer.alloc(64 << 20)));
      await using proxy = await passThroughTo(
        { host: HOST, port: endpoint.port },
        { clock, stallTimeout: 5_000 },
      );
      const client = await clientOf(proxy.port, GET);
      client.socket.pause();
      let open: Socket | undefined;
      proxy.server.on("connection", (socket: Socket) => (open = socket));
      const second = await clientOf(proxy.port, GET);
      second.socket.pause();
      await eventually("it does not take more", () => open?.writableNeedDrain === true);
      if (how === "stop") proxy.pass.stop();
      else
        await eventually("both have stalled", () => {
          clock.advance(5_000);
          return proxy.outcomes.length === 2;
        });
      await eventually("the connection is gone", () => open?.destroyed === true);
      for (const each of [client, second]) each.socket.destroy();
      endpoint.close();
    });

  it("leaves no connection to the endpoint behind when it stops", async () => {
    const behind = await recording(OK);
    await using proxy = await passThroughTo({ host: HOST, port: behind.port });
    const client = await clientOf(proxy.port, GET);
    await eventually("it is answered", () => client.text.endsWith("ok"));
    proxy.pass.stop();
    await eventually("the connection is closed", () => behind.sockets[0]?.readableEnded === true);
    client.socket.destroy();
    behind.close();
  });
});
