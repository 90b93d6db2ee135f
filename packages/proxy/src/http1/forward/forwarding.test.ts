/** What goes through, and in which form: framing, connections, hop-by-hop fields, HTTP/1.0, pipelining, 1xx. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { answering, Backend, eventually, OK, startProxy } from "../testing/bench-of-parts.ts";

const GET = "GET /a HTTP/1.1\r\nHost: shop\r\n\r\n";

describe("a request goes on", () => {
  it("byte for byte, with the forwarding fields added", async () => {
    const backend = await answering(OK);
    await using proxy = await startProxy({ backends: [backend] });
    const client = await proxy.client();
    client.write("GET /a?b=%20c HTTP/1.1\r\nHOST:  shop\r\nx-odd:a,b\r\nCookie: s=1\r\nCookie: t=2\r\n\r\n");
    assert.equal((await client.message()).body, "ok");
    assert.deepEqual(backend.arrivals, [
      "GET /a?b=%20c HTTP/1.1\r\nHOST:  shop\r\nx-odd:a,b\r\nCookie: s=1\r\nCookie: t=2\r\nx-forwarded-for: 127.0.0.1\r\nx-forwarded-proto: http\r\n\r\n",
    ]);
  });

  it("without what is hop-by-hop, whether listed by Connection or not", async () => {
    const backend = await answering(OK);
    await using proxy = await startProxy({ backends: [backend], http: { forwarded: false } });
    const client = await proxy.client();
    client.write(
      "GET / HTTP/1.1\r\nHost: shop\r\nConnection: keep-alive, X-Private , host, content-length\r\nX-Private: 1\r\nKeep-Alive: timeout=5\r\nProxy-Connection: x\r\nProxy-Authorization: y\r\nTE: gzip\r\nX-Kept: 2\r\n\r\n",
    );
    await client.message();
    assert.deepEqual(backend.arrivals, ["GET / HTTP/1.1\r\nHost: shop\r\nX-Kept: 2\r\n\r\n"]);
  });

  it("with TE: trailers where the client takes trailers", async () => {
    const backend = await answering(OK);
    await using proxy = await startProxy({ backends: [backend], http: { forwarded: false } });
    const client = await proxy.client();
    client.write("GET / HTTP/1.1\r\nHost: shop\r\nTE: trailers, deflate\r\nConnection: TE\r\n\r\n");
    await client.message();
    assert.deepEqual(backend.arrivals, [
      "GET / HTTP/1.1\r\nHost: shop\r\nconnection: te\r\nte: trailers\r\n\r\n",
    ]);
  });

  it("with X-Forwarded-For continued, the first X-Forwarded-Proto kept, and traceparent untouched", async () => {
    const backend = await answering(OK);
    await using proxy = await startProxy({ backends: [backend] });
    const client = await proxy.client();
    const trace = "traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01\r\n";
    client.write(
      `GET / HTTP/1.1\r\nHost: shop\r\nX-Forwarded-For: 10.0.0.1\r\nX-Forwarded-For: 10.0.0.2\r\nX-Forwarded-Proto: https\r\n${trace}\r\n`,
    );
    await client.message();
    assert.deepEqual(backend.arrivals, [
      `GET / HTTP/1.1\r\nHost: shop\r\n${trace}x-forwarded-for: 10.0.0.1, 10.0.0.2, 127.0.0.1\r\nx-forwarded-proto: https\r\n\r\n`,
    ]);
  });

  it("with another Host where the route says so, the client's kept in X-Forwarded-Host", async () => {
    const backend = await answering(OK);
    await using proxy = await startProxy({ backends: [backend], http: { host: "api.example" } });
    const client = await proxy.client();
    client.write(GET);
    await client.message();
    assert.deepEqual(backend.arrivals, [
      "GET /a HTTP/1.1\r\nhost: api.example\r\nx-forwarded-for: 127.0.0.1\r\nx-forwarded-proto: http\r\nx-forwarded-host: shop\r\n\r\n",
    ]);
  });

  it("in origin form when it came as an absolute URL", async () => {
    const backend = await answering(OK);
    await using proxy = await startProxy({ backends: [backend], http: { forwarded: false } });
    const client = await proxy.client();
    client.write(
      "GET http://shop/a?b HTTP/1.1\r\nHost: shop\r\n\r\nGET http://shop?b HTTP/1.1\r\nHost: shop\r\n\r\n",
    );
    await client.message();
    await client.message();
    assert.deepEqual(backend.arrivals, [
      "GET /a?b HTTP/1.1\r\nHost: shop\r\n\r\n",
      "GET /?b HTTP/1.1\r\nHost: shop\r\n\r\n",
    ]);
  });

  it("with its body by length, or in chunks with extensions and trailers, byte for byte", async () => {
    const chunks = '3;a="b"\r\nabc\r\n0\r\nX-Sum: 1\r\n\r\n';
    const bodies: string[] = [];
    const backend = await Backend.start(async (connection) => {
      await connection.take("\r\n\r\n");
      bodies.push(await connection.takeBytes(5));
      connection.write(OK);
      await connection.take("\r\n\r\n");
      bodies.push(await connection.takeBytes(chunks.length));
      connection.write(OK);
    });
    await using proxy = await startProxy({ backends: [backend] });
    const client = await proxy.client();
    client.write("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello");
    await client.message();
    client.write("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n");
    for (const byte of chunks) client.write(byte);
    await client.message();
    assert.deepEqual(bodies, ["hello", chunks]);
  });

  it("over the same connections as the one before it", async () => {
    const backend = await answering(OK);
    await using proxy = await startProxy({ backends: [backend] });
    const client = await proxy.client();
    for (let n = 0; n < 5; n++) {
      client.write(GET);
      await client.message();
    }
    assert.equal(backend.connections.length, 1);
    assert.equal(backend.arrivals.length, 5);
  });
});

describe("an answer comes back", () => {
  const exchange = async (answer: string, request = GET): Promise<string> => {
    const backend = await Backend.start(async (connection) => {
      await connection.take("\r\n\r\n");
      connection.write(answer);
      connection.close();
    });
    await using proxy = await startProxy({ backends: [backend] });
    const client = await proxy.client();
    client.write(request.replace("\r\n\r\n", "\r\nConnection: close\r\n\r\n"));
    await client.end();
    return client.received;
  };

  it("byte for byte but for what is hop-by-hop", async () => {
    const got = await exchange(
      "HTTP/1.1 201 Very Created\r\nconnection: x-private\r\nX-Private: 1\r\nKeep-Alive: timeout=9\r\nset-cookie:a\r\nSet-Cookie: b\r\nContent-Length: 2\r\n\r\nhi",
    );
    assert.equal(
      got,
      "HTTP/1.1 201 Very Created\r\nset-cookie:a\r\nSet-Cookie: b\r\nContent-Length: 2\r\nconnection: close\r\n\r\nhi",
    );
  });

  it("in chunks with their trailers, as they were", async () => {
    const body = "2\r\nhi\r\n0\r\nX-Sum: 1\r\n\r\n";
    const got = await exchange(
      `HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n${body}`,
    );
    assert.equal(
      got,
      `HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\nconnection: close\r\n\r\n${body}`,
    );
  });

  it("in chunks of our own when its length was the connection's", async () => {
    const got = await exchange("HTTP/1.0 200 OK\r\nX: y\r\n\r\nhello");
    assert.equal(
      got,
      "HTTP/1.1 200 OK\r\nX: y\r\ntransfer-encoding: chunked\r\nconnection: close\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
    );
  });

  it("without a body for HEAD, whatever length it announces", async () => {
    const got = await exchange("HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n", GET.replace("GET", "HEAD"));
    assert.equal(got, "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\nconnection: close\r\n\r\n");
  });

  it("without a body for 304, its length kept; and for 204, its length removed", async () => {
    assert.equal(
      await exchange("HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n"),
      "HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\nconnection: close\r\n\r\n",
    );
    assert.equal(
      await exchange("HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n"),
      "HTTP/1.1 204 No Content\r\nconnection: close\r\n\r\n",
    );
  });

  it("with a reason even when the endpoint left out the space before it", async () => {
    assert.match(await exchange("HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n"), /^HTTP\/1.1 200 \r\n/);
  });

  it("whole, however its bytes are split", async () => {
    const answer = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";
    const backend = await Backend.start(async (connection) => {
      for (;;) {
        if ((await connection.take("\r\n\r\n").catch(() => "")) === "") return;
        for (const byte of answer) {
          connection.write(byte);
          await new Promise<void>((resolve) => setImmediate(resolve));
        }
      }
    });
    await using proxy = await startProxy({ backends: [backend] });
    const client = await proxy.client();
    for (let n = 0; n < 3; n++) {
      client.write(GET);
      assert.equal((await client.message()).body, "hello");
    }
    assert.equal(backend.connections.length, 1);
    client.close();
    await client.end();
    backend.connections[0]?.close();
  });

  it("of 300 KB, the same bytes, many times over one connection", async () => {
    const body = Array.from({ length: 300 * 1024 }, (_, n) => String.fromCharCode(n % 251)).join("");
    const backend = await answering(`HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\n\r\n${body}`);
    await using proxy = await startProxy({ backends: [backend] });
    const client = await proxy.client();
    for (let n = 0; n < 5; n++) {
      client.write(GET);
      const got = await client.message();
      assert.ok(got.body === body, "the body differs");
    }
  });
});

describe("a client of HTTP/1.0", () => {
  it("gets chunks taken apart, and the end of the connection as the end of the body", async () => {
    const backend = await answering(
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n3;x\r\nllo\r\n0\r\nX: y\r\n\r\n",
    );
    await using proxy = await startProxy({ backends: [backend] });
    const client = await proxy.client();
    client.write("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
    await client.end();
    assert.equal(client.received, "HTTP/1.1 200 OK\r\nconnection: close\r\n\r\nhello");
  });

  it("keeps its connection where it asks to and the length is known; a Host is added for the endpoint", async () => {
    const backend = await answering(OK);
    await using proxy = await startProxy({ backends: [backend], http: { forwarded: false } });
    const client = await proxy.client();
    for (let n = 0; n < 2; n++) {
      client.write("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
      assert.match((await client.message()).head, /connection: keep-alive/);
    }
    assert.deepEqual(backend.arrivals, Array(2).fill("GET / HTTP/1.1\r\nhost: test\r\n\r\n"));
  });

  it("that names its host only in an absolute target asks for that host", async () => {
    for (const [host, expected] of [
      [null, "host: shop.test\r\n"],
      [
        "api.test",
        "host: api.test\r\nx-forwarded-for: 127.0.0.1\r\nx-forwarded-proto: http\r\nx-forwarded-host: shop.test\r\n",
      ],
    ] as const) {
      const backend = await answering(OK);
      await using proxy = await startProxy({ backends: [backend], http: { host, forwarded: host !== null } });
      const client = await proxy.client();
      client.write("GET http://shop.test/a HTTP/1.0\r\n\r\n");
      await client.end();
      assert.equal(backend.arrivals.at(-1), `GET /a HTTP/1.1\r\n${expected}\r\n`);
    }
  });

  it("cannot upgrade: to it, Upgrade is a field like any other that ends at each hop", async () => {
    const backend = await answering(OK);
    await using proxy = await startProxy({ backends: [backend], http: { forwarded: false } });
    const client = await proxy.client();
    client.write("GET / HTTP/1.0\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n");
    await client.end();
    assert.deepEqual(backend.arrivals, ["GET / HTTP/1.1\r\nHost: a\r\n\r\n"]);
  });

  it("loses its connection where it does not ask", async () => {
    await using proxy = await startProxy({ backends: [await answering(OK)] });
    const client = await proxy.client();
    client.write("GET / HTTP/1.0\r\n\r\n");
    await client.end();
    assert.match(client.received, /connection: close/);
  });

  it("gets no 1xx", async () => {
    await using proxy = await startProxy({
      backends: [await answering(`HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n${OK}`)],
    });
    const client = await proxy.client();
    client.write("GET / HTTP/1.0\r\n\r\n");
    await client.end();
    assert.match(client.received, /^HTTP\/1.1 200 OK/);
  });
});

it("Connection: close wins over keep-alive, in whatever order and however many fields", async () => {
  for (const fields of [
    "Connection: close\r\nConnection: keep-alive\r\n",
    "Connection: keep-alive\r\nConnection: close\r\n",
    "Connection: close, keep-alive\r\n",
    "Connection: keep-alive, close\r\n",
  ]) {
    await using proxy = await startProxy({ backends: [await answering(OK)] });
    const client = await proxy.client();
    client.write(`GET / HTTP/1.1\r\nHost: a\r\n${fields}\r\n`);
    await client.end();
    assert.match(client.received, /connection: close/, fields);
  }
});

describe("interim answers", () => {
  it("go to the client: 103, and 100 for which the body waits", async () => {
    const backend = await Backend.start(async (connection) => {
      const head = await connection.take("\r\n\r\n");
      assert.match(head, /expect: 100-continue/i);
      assert.equal(connection.received, "");
      connection.write("HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n");
      assert.equal(await connection.takeBytes(3), "abc");
      connection.write(OK);
    });
    await using proxy = await startProxy({ backends: [backend] });
    const client = await proxy.client();
    client.write("PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n");
    assert.equal(await client.take("\r\n\r\n"), "HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n");
    assert.equal(await client.take("\r\n\r\n"), "HTTP/1.1 100 Continue\r\n\r\n");
    client.write("abc");
    assert.equal((await client.message()).body, "ok");
  });

  it("of an endless kind are a broken answer", async () => {
    await using proxy = await startProxy({
      backends: [await answering("HTTP/1.1 102 Processing\r\n\r\n".repeat(17))],
      upstream: { retries: 0 },
    });
    const client = await proxy.client();
    client.write(GET);
    await client.until((received) => received.includes("HTTP/1.1 502"));
    assert.equal(
      await proxy.metric("outrigger_http_violations_total", {
        side: "upstream",
        reason: "too-many-interim-answers",
      }),
      1,
    );
  });
});

describe("pipelined requests", () => {
  it("are answered in order, one at a time", async () => {
    let atOnce = 0;
    let most = 0;
    const backend = await Backend.start(async (connection) => {
      for (;;) {
        const head = await connection.take("\r\n\r\n").catch(() => "");
        if (head === "") return;
        most = Math.max(most, ++atOnce);
        await new Promise<void>((resolve) => setImmediate(resolve));
        atOnce--;
        const path = head.split(" ")[1] as string;
        connection.write(`HTTP/1.1 200 OK\r\nContent-Length: ${path.length}\r\n\r\n${path}`);
      }
    });
    await using proxy = await startProxy({ backends: [backend] });
    const client = await proxy.client();
    client.write(Array.from({ length: 50 }, (_, n) => `GET /${n} HTTP/1.1\r\nHost: a\r\n\r\n`).join(""));
    for (let n = 0; n < 50; n++) assert.equal((await client.message()).body, `/${n}`);
    assert.equal(most, 1);
  });

  it("are forgotten after one that closes the connection", async () => {
    const backend = await answering(OK);
    await using proxy = await startProxy({ backends: [backend] });
    const client = await proxy.client();
    client.write(`GET /1 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n${GET}`);
    await client.end();
    assert.equal(backend.arrivals.length, 1);
  });

  it("far beyond what is held wait in the client's socket, and all are answered", async () => {
    const backend = await answering(OK);
    await using proxy = await startProxy({ backends: [backend] });
    const client = await proxy.client();
    const padding = "p".repeat(1000);
    client.write(`GET / HTTP/1.1\r\nHost: a\r\nX: ${padding}\r\n\r\n`.repeat(400));
    for (let n = 0; n < 400; n++) assert.equal((await client.message()).body, "ok");
    assert.equal(backend.arrivals.length, 400);
  });
});

it("a request that is refused is answered with its reason, counted, and its connection closed", async () => {
  const backend = await answering(OK);
  await using proxy = await startProxy({ backends: [backend] });
  const client = await proxy.client();
  client.write(
    "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n",
  );
  await client.end();
  assert.match(client.received, /^HTTP\/1.1 400 Bad Request\r\n/);
  assert.match(client.received, /x-outrigger-reason: length-and-encoding\r\n/);
  assert.match(client.received, /both a Content-Length and a Transfer-Encoding\n$/);
  assert.equal(backend.arrivals.length, 0);
  assert.equal(
    await proxy.metric("outrigger_http_violations_total", { side: "client", reason: "length-and-encoding" }),
    1,
  );
});

it("a body that breaks its framing cancels the request upstream", async () => {
  const backend = await Backend.start(async (connection) => {
    await connection.take("\r\n\r\n");
    await connection.end();
  });
  await using proxy = await startProxy({ backends: [backend] });
  const client = await proxy.client();
  client.write("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n");
  await eventually(() => backend.connections.length === 1);
  client.write("nonsense\r\n");
  await client.end();
  assert.match(client.received, /^HTTP\/1.1 400 .*x-outrigger-reason: bad-chunk-size/s);
  await backend.connections[0]?.end();
});

it("heads above the limits get 431", async () => {
  await using proxy = await startProxy({ backends: [await answering(OK)], http: { maxHeadBytes: 2048 } });
  const client = await proxy.client();
  client.write(`GET / HTTP/1.1\r\nHost: a\r\nX: ${"y".repeat(3000)}\r\n\r\n`);
  await client.end();
  assert.match(client.received, /^HTTP\/1.1 431 /);
});

it("explain headers tell endpoint, attempts and why there was more than one", async () => {
  const bad = await answering("HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n");
  const good = await answering(OK);
  await using proxy = await startProxy({ backends: [bad, good], http: { explain: true } });
  const client = await proxy.client();
  client.write(GET);
  const { head } = await client.message();
  assert.match(
    head,
    new RegExp(
      `x-outrigger-endpoint: ${good.key}\r\nx-outrigger-attempts: 2\r\nx-outrigger-reason: status\r\n`,
    ),
  );
});
