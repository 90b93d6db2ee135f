/** Requests that the process answers itself, on real sockets. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { VirtualClock } from "@outrigger/core/testing";
import { OutriggerError } from "@outrigger/core";
import {
  answering,
  eventually,
  OK,
  startProxy,
  turns,
  type ProxyUnderTest,
} from "../testing/bench-of-parts.ts";
import type { Handler } from "./handler.ts";
import type { ServedRequest } from "./served-request.ts";

const post = (path: string, body: string, ...fields: string[]): string =>
  [`POST ${path} HTTP/1.1`, "Host: q", `Content-Length: ${body.length}`, ...fields, "", body].join("\r\n");

/** Answers what it is told about a body; /pass is not its own. */
const telling: Handler = {
  takes: (_method, target) => !target.startsWith("/pass"),
  async handle(request) {
    const body = await request.wholeBody(100_000);
    request.answer(200, [["x-target", request.target]], `${request.method} ${body.toString("latin1")}`);
  },
};

async function serve(
  handle: (request: ServedRequest) => void | Promise<void>,
  options: { clock?: VirtualClock } = {},
): Promise<ProxyUnderTest> {
  return startProxy({ backends: [await answering(OK)], handler: { takes: () => true, handle }, ...options });
}

describe("a request that is answered here", () => {
  it("has its body whole, however it came, and leaves the connection to the next one", async () => {
    await using proxy = await startProxy({ backends: [await answering(OK)], handler: telling });
    const client = await proxy.client();
    const chunked =
      "POST /c?d HTTP/1.1\r\nHost: q\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n5;x=y\r\ndefgh\r\n0\r\nT: t\r\n\r\n";
    for (const [bytes, answer] of [
      [post("/a", "hello"), "POST hello"],
      [chunked, "POST abcdefgh"],
      ["GET /b HTTP/1.1\r\nHost: q\r\n\r\n", "GET "],
      [post("http://q/abs", "x"), "POST x"],
    ] as const) {
      for (const pieces of [[bytes], [...bytes]]) {
        for (const piece of pieces) {
          client.write(piece);
          if (pieces.length > 1) await turns(1);
        }
        const { head, body } = await client.message();
        assert.equal(body, answer);
        assert.match(head, /^HTTP\/1.1 200 OK\r\nx-target: \/(a|c\?d|b|abs)\r\ncontent-length: \d+\r\n/);
        assert.doesNotMatch(head, /connection:/);
      }
    }
  });

  it("is passed on where the handler does not take it, on the same connection, in order", async () => {
    await using proxy = await startProxy({ backends: [await answering(OK)], handler: telling });
    const client = await proxy.client();
    client.write(post("/a", "1") + post("/pass", "2") + post("/b", "3"));
    assert.deepEqual(
      [await client.message(), await client.message(), await client.message()].map(({ body }) => body),
      ["POST 1", "ok", "POST 3"],
    );
  });

  it("is answered here where it asks for an upgrade, too, which it does not get", async () => {
    const backend = await answering(OK);
    let head = "";
    await using proxy = await startProxy({
      backends: [backend],
      handler: {
        takes: () => true,
        handle: (request) => {
          head = request.headText;
          request.answer(200, [], "here");
        },
      },
    });
    const client = await proxy.client();
    client.write("GET /a HTTP/1.1\r\nHost: q\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n");
    assert.equal((await client.message()).body, "here");
    assert.doesNotMatch(head, /upgrade/i);
  });

  it("has one answer, 500, where the handler gives it a status that none has", async () => {
    for (const status of [0, 101, 600, 200.5, NaN]) {
      await using proxy = await serve((request) => request.answer(status, [], "odd"));
      const client = await proxy.client();
      client.write(post("/a", "") + post("/b", "", "Connection: close"));
      for (const _ of [1, 2]) assert.match((await client.message()).head, /^HTTP\/1.1 500 /, String(status));
      await client.end();
    }
  });

  it("has the head that would go on: no fields of the connection, and where it came from", async () => {
    let head = "";
    await using proxy = await serve((request) => {
      head = request.headText;
      request.answer(204, []);
    });
    const client = await proxy.client();
    client.write(post("/a", "", "Connection: close, x-hop", "X-Hop: 1", "TE: gzip", "X-Stays: 2"));
    assert.match((await client.message()).head, /^HTTP\/1.1 204 No Content\r\nconnection: close\r\n\r\n$/);
    await client.end();
    assert.equal(
      head,
      "POST /a HTTP/1.1\r\nHost: q\r\nContent-Length: 0\r\nX-Stays: 2\r\nx-forwarded-for: 127.0.0.1\r\nx-forwarded-proto: http\r\n\r\n",
    );
  });

  it("is refused as soon as its body is known to be too large, and the connection ends", async () => {
    const seen: string[] = [];
    await using proxy = await serve(async (request) => {
      try {
        await request.wholeBody(4);
      } catch (thrown) {
        seen.push(OutriggerError.from(thrown).code);
        request.answer(413, []);
      }
    });
    for (const bytes of [
      "POST / HTTP/1.1\r\nHost: q\r\nContent-Length: 5\r\n\r\n",
      "POST / HTTP/1.1\r\nHost: q\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nabcde\r\n",
    ]) {
      const client = await proxy.client();
      client.write(bytes);
      assert.match((await client.message()).head, /^HTTP\/1.1 413 .*connection: close/s);
      await client.end();
    }
    assert.deepEqual(seen, ["body-too-large", "body-too-large"]);
  });

  it("asks a client that waits for 100 (Continue) only when the body is wanted", async () => {
    await using proxy = await startProxy({
      backends: [await answering(OK)],
      handler: {
        takes: () => true,
        async handle(request) {
          if (request.target === "/no") request.answer(403, []);
          else await telling.handle(request);
        },
      },
    });
    const client = await proxy.client();
    client.write("POST /yes HTTP/1.1\r\nHost: q\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n");
    await client.take("\r\n\r\n");
    client.write("hi");
    assert.equal((await client.message()).body, "POST hi");
    client.write("POST /no HTTP/1.1\r\nHost: q\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n");
    assert.match((await client.message()).head, /^HTTP\/1.1 403 /);
    await client.end();
  });

  it("tells the handler when the client has left, and an answer then goes nowhere", async () => {
    const requests: ServedRequest[] = [];
    let left = 0;
    await using proxy = await serve((request) => {
      requests.push(request);
      request.onLeft(() => left++);
    });
    const client = await proxy.client();
    client.write(post("/a", "x"));
    await eventually(() => requests.length === 1);
    client.socket.destroy();
    await eventually(() => left === 1);
    requests[0]?.answer(200, []);
    assert.equal(await proxy.metric("outrigger_http_requests_total", { code_class: "client-closed" }), 1);
    assert.equal(proxy.listener.inFlight(), 0);
  });

  it("is answered 500 where its handler throws, and those after it are served", async () => {
    await using proxy = await serve((request) => {
      if (request.target === "/sync") throw new Error("broken");
      if (request.target === "/async") return Promise.reject(new Error("broken"));
      request.answer(200, []);
      return undefined;
    });
    const client = await proxy.client();
    for (const [path, status] of [
      ["/sync", 500],
      ["/async", 500],
      ["/fine", 200],
    ] as const) {
      client.write(post(path, ""));
      assert.match((await client.message()).head, new RegExp(`^HTTP/1.1 ${status} `));
    }
  });

  it("may say the length of an answer that comes in pieces, to HEAD too, and keeps the connection", async () => {
    await using proxy = await serve(async (request) => {
      request.beginStream(200, [["x-a", "b"]], 6);
      for (const piece of ["one", "two"]) await request.write(Buffer.from(piece));
      request.endStream();
    });
    const client = await proxy.client();
    for (const method of ["GET", "GET"]) {
      client.write(`${method} / HTTP/1.1\r\nHost: q\r\n\r\n`);
      const { head, body } = await client.message();
      assert.match(head, /content-length: 6/);
      assert.doesNotMatch(head, /chunked|connection: close/);
      assert.equal(body, "onetwo");
    }
    client.write("HEAD / HTTP/1.1\r\nHost: q\r\n\r\nGET / HTTP/1.1\r\nHost: q\r\n\r\n");
    assert.match(await client.take("\r\n\r\n"), /content-length: 6/);
    assert.equal((await client.message()).body, "onetwo");
  });

  it("is seen to be broken where its answer ends early, throws, or would be longer than it said", async () => {
    await using proxy = await serve(async (request) => {
      request.beginStream(200, [], request.target === "/unknown" ? undefined : 6);
      await request.write(Buffer.from(request.target === "/long" ? "more than six" : "one"));
      if (request.target !== "/early") throw new Error("the rest is not there");
      request.endStream();
    });
    for (const target of ["/early", "/throws", "/unknown", "/long"]) {
      const client = await proxy.client();
      client.write(`GET ${target} HTTP/1.1\r\nHost: q\r\n\r\n`);
      await client.end();
      assert.match(client.received, /^HTTP\/1.1 200 /, target);
      assert.doesNotMatch(client.received, /more than six|0\r\n\r\n$/, target);
    }
  });

  it("ends the connection of a client that stops reading a streamed answer, after stallTimeout", async () => {
    const clock = new VirtualClock();
    let over = false;
    await using proxy = await serve(
      async (request) => {
        request.beginStream(200, []);
        while (request.active) await request.write(Buffer.alloc(64 * 1024, "x"));
        over = true;
      },
      { clock },
    );
    const client = await proxy.client();
    client.socket.pause();
    client.write("GET / HTTP/1.1\r\nHost: q\r\n\r\n");
    await eventually(async () => {
      clock.advance(10_000);
      await turns(10);
      return over;
    });
  });

  it("may answer in pieces, and holds back for a client that does not read", async () => {
    let pieces = 0;
    await using proxy = await serve(async (request) => {
      request.beginStream(200, [["content-type", "text/event-stream"]]);
      for (; pieces < 400; pieces++) await request.write(Buffer.alloc(64 * 1024, "x"));
      request.endStream();
    });
    const client = await proxy.client();
    client.socket.pause();
    client.write("GET / HTTP/1.1\r\nHost: q\r\n\r\n");
    let before = -1;
    await eventually(async () => {
      const still = pieces === before && pieces > 0;
      before = pieces;
      await turns(50);
      return still;
    });
    assert.ok(pieces < 200, `${pieces}`);
    client.socket.resume();
    assert.match(await client.take("\r\n\r\n"), /transfer-encoding: chunked/);
    for (let piece = 0; piece < 400; piece++) {
      await client.take("10000\r\n");
      assert.ok((await client.takeBytes(64 * 1024)) === "x".repeat(64 * 1024));
      await client.take("\r\n");
    }
    assert.equal(await client.take("0\r\n\r\n"), "0\r\n\r\n");
  });

  it("knows HTTP/1.0 and HEAD", async () => {
    await using proxy = await serve((request) => request.answer(200, [], "body"));
    const old = await proxy.client();
    old.write("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
    assert.match((await old.message()).head, /connection: keep-alive/);
    const client = await proxy.client();
    client.write("HEAD / HTTP/1.1\r\nHost: q\r\n\r\nGET / HTTP/1.1\r\nHost: q\r\n\r\n");
    assert.match(await client.take("\r\n\r\n"), /content-length: 4\r\n\r\n$/);
    assert.equal((await client.message()).body, "body");
  });

  it("is answered 408 where its body does not come", async () => {
    const clock = new VirtualClock();
    let failed = "";
    await using proxy = await serve(
      async (request) => {
        await request.wholeBody(100).catch((thrown: unknown) => (failed = OutriggerError.from(thrown).code));
      },
      { clock },
    );
    const client = await proxy.client();
    client.write("POST / HTTP/1.1\r\nHost: q\r\nContent-Length: 2\r\n\r\nh");
    await eventually(() => proxy.listener.inFlight() === 1);
    clock.advance(300_000);
    assert.match((await client.message()).head, /^HTTP\/1.1 408 .*connection: close/s);
    await eventually(() => failed === "client-left");
  });

  it("is not given in part to a handler that reads it after the client has left", async () => {
    let late: ServedRequest | null = null;
    await using proxy = await serve((request) => void (late = request));
    const client = await proxy.client();
    client.write(post("/a", "body"));
    await eventually(() => late !== null);
    await new Promise<void>((resolve) => {
      late?.onLeft(resolve);
      client.reset();
    });
    await assert.rejects(
      async () => late?.wholeBody(100),
      (thrown) => OutriggerError.from(thrown).code === "client-left",
    );
  });

  it("cannot be made to end a line early by what it is given", async () => {
    await using proxy = await serve((request) =>
      request.answer(200, [
        ["x-a", "1\r\nx-b: 2"],
        ["x c", "3"],
        ["Content-Length", "99"],
        ["x-u", "\u{1f600}ü"],
      ]),
    );
    const client = await proxy.client();
    client.write("GET / HTTP/1.1\r\nHost: q\r\n\r\n");
    assert.equal(
      (await client.message()).head,
      "HTTP/1.1 200 OK\r\nx-a: 1??x-b: 2\r\nx-u: ??ü\r\ncontent-length: 0\r\n\r\n",
    );
  });
});
