/** What is sent again and what never is; counted at the backend. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { VirtualClock } from "@outrigger/core/testing";
import type { ByteStream } from "../testing/byte-stream.ts";
import { answering, Backend, eventually, OK, startProxy, type Script } from "../testing/bench-of-parts.ts";

const GET = "GET /a HTTP/1.1\r\nHost: shop\r\n\r\n";
const POST = "POST /a HTTP/1.1\r\nHost: shop\r\nContent-Length: 3\r\n\r\nabc";
const BUSY = "HTTP/1.1 503 Busy\r\nContent-Length: 4\r\n\r\nbusy";

/** Reads one request and breaks the connection without a byte of an answer. */
const resetting: Script = async (connection) => {
  await connection.message();
  connection.reset();
};

/** A port on which nobody listens. */
async function refusing(): Promise<Backend> {
  const backend = await Backend.start(async () => {});
  const { port, key } = backend;
  backend.stop();
  Object.defineProperties(backend, { port: { value: port }, key: { value: key } });
  return backend;
}

describe("a request of which no byte was sent goes to another endpoint, whatever its method", () => {
  for (const [what, request] of Object.entries({ GET, POST })) {
    it(what, async () => {
      const good = await answering(OK);
      await using proxy = await startProxy({ backends: [await refusing(), good] });
      const client = await proxy.client();
      for (let n = 0; n < 4; n++) {
        client.write(request);
        assert.equal((await client.message()).body, "ok");
      }
      assert.equal(good.arrivals.length, 4);
    });
  }

  it("but not with retries=0: then nothing at all is repeated", async () => {
    const good = await answering(OK);
    await using proxy = await startProxy({ backends: [await refusing(), good], upstream: { retries: 0 } });
    const client = await proxy.client();
    client.write(GET);
    assert.match((await client.message()).head, /^HTTP\/1.1 502 .*x-outrigger-reason: connect-failure/s);
    assert.equal(good.arrivals.length, 0);
  });

  it("even when retries are spent on nothing else", async () => {
    const good = await answering(OK);
    await using proxy = await startProxy({
      backends: [await refusing(), good],
      upstream: { retryBudget: 0, retryReserve: 0 },
    });
    const client = await proxy.client();
    client.write(POST);
    assert.equal((await client.message()).body, "ok");
  });
});

describe("a POST of which a byte reached an endpoint is never sent again", () => {
  it("when the endpoint breaks the connection", async () => {
    const first = await Backend.start(async (connection) => {
      const { head } = await connection.message();
      first.arrivals.push(head);
      connection.reset();
    });
    const second = await answering(OK);
    await using proxy = await startProxy({ backends: [first, second] });
    const client = await proxy.client();
    client.write(POST);
    const { head, body } = await client.message();
    assert.match(head, /^HTTP\/1.1 502 .*x-outrigger-reason: reset\r\n/s);
    assert.match(body, /no answer after 1 attempt/);
    assert.equal(first.arrivals.length + second.arrivals.length, 1);
  });

  it("when the kept connection turns out to be stale", async () => {
    const backend = await Backend.start(async (connection) => {
      connection.write(OK.slice(0, 0));
      backend.arrivals.push((await connection.message()).head);
      connection.write(OK);
      backend.arrivals.push((await connection.message()).head);
      connection.reset();
    });
    await using proxy = await startProxy({ backends: [backend] });
    const client = await proxy.client();
    client.write(POST);
    assert.equal((await client.message()).body, "ok");
    client.write(POST);
    assert.match((await client.message()).head, /^HTTP\/1.1 502 .*x-outrigger-reason: stale\r\n/s);
    assert.equal(backend.arrivals.length, 2);
  });

  it("when the answer is a 503", async () => {
    const first = await answering(BUSY);
    const second = await answering(OK);
    await using proxy = await startProxy({ backends: [first, second] });
    const client = await proxy.client();
    client.write(POST);
    assert.match((await client.message()).head, /^HTTP\/1.1 503 Busy/);
    assert.equal(first.arrivals.length + second.arrivals.length, 1);
  });

  it("when no answer comes in time", async () => {
    const clock = new VirtualClock();
    const first = await Backend.start(async (connection) => {
      first.arrivals.push((await connection.message()).head);
    });
    const second = await answering(OK);
    await using proxy = await startProxy({ backends: [first, second], clock, http: { perTryTimeout: 200 } });
    const client = await proxy.client();
    client.write(POST);
    await eventually(() => first.arrivals.length === 1);
    clock.advance(300);
    assert.match((await client.message()).head, /^HTTP\/1.1 504 .*x-outrigger-reason: try-timeout\r\n/s);
    assert.equal(second.arrivals.length, 0);
  });

  it("and goes onto a fresh connection when the kept one has been idle for long", async () => {
    const clock = new VirtualClock();
    const backend = await answering(OK);
    await using proxy = await startProxy({ backends: [backend], clock });
    const client = await proxy.client();
    client.write(POST);
    await client.message();
    clock.advance(900);
    client.write(POST);
    await client.message();
    assert.equal(backend.connections.length, 1);
    clock.advance(1100);
    client.write(POST);
    await client.message();
    assert.equal(backend.connections.length, 2);
  });
});

describe("an idempotent request is sent again", () => {
  for (const method of ["GET", "HEAD", "OPTIONS", "TRACE", "PUT", "DELETE"]) {
    it(`${method}, when the endpoint breaks the connection`, async () => {
      const first = await Backend.start(resetting);
      const second = await answering(
        method === "HEAD" ? "HTTP/1.1 200 OK\r\n\r\n" : "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
      );
      await using proxy = await startProxy({ backends: [first, second] });
      const client = await proxy.client();
      client.write(GET.replace("GET", method));
      assert.match(await client.take("\r\n\r\n"), /^HTTP\/1.1 200 /);
      assert.equal(second.arrivals.length, 1);
      assert.equal(await proxy.metric("outrigger_http_retries_total", { reason: "reset" }), 1);
    });
  }

  it("not, when its method is unknown", async () => {
    const second = await answering(OK);
    await using proxy = await startProxy({ backends: [await Backend.start(resetting), second] });
    const client = await proxy.client();
    client.write(GET.replace("GET", "get"));
    assert.match((await client.message()).head, /^HTTP\/1.1 502/);
    assert.equal(second.arrivals.length, 0);
  });

  it("when the answer is garbage, which is counted", async () => {
    const second = await answering(OK);
    await using proxy = await startProxy({ backends: [await answering("SSH-2.0-OpenSSH_9\r\n"), second] });
    const client = await proxy.client();
    client.write(GET);
    assert.equal((await client.message()).body, "ok");
    assert.equal(
      await proxy.metric("outrigger_http_violations_total", { side: "upstream", reason: "bad-version" }),
      1,
    );
  });

  it("when no answer comes in time", async () => {
    const clock = new VirtualClock();
    const first = await Backend.start(async (connection) => {
      first.arrivals.push((await connection.message()).head);
    });
    await using proxy = await startProxy({
      backends: [first, await answering(OK)],
      clock,
      http: { perTryTimeout: 200 },
    });
    const client = await proxy.client();
    client.write(GET);
    await eventually(() => first.arrivals.length === 1);
    clock.advance(300);
    assert.equal((await client.message()).body, "ok");
    assert.equal(await proxy.metric("outrigger_http_timeouts_total", { kind: "try" }), 1);
  });

  it("on 502, 503 and 504; the last such answer goes to the client when all are busy", async () => {
    const backends = [
      await answering(BUSY),
      await answering(BUSY.replace("503", "502")),
      await answering(BUSY.replace("503", "504")),
    ];
    await using proxy = await startProxy({ backends });
    const client = await proxy.client();
    client.write(GET);
    const { head, body } = await client.message();
    assert.match(head, /^HTTP\/1.1 504 Busy/);
    assert.equal(body, "busy");
    assert.deepEqual(
      backends.map(({ arrivals }) => arrivals.length),
      [1, 1, 1],
    );
  });

  it("not on 500, nor on a status that was not named", async () => {
    const second = await answering(OK);
    await using proxy = await startProxy({ backends: [await answering(BUSY.replace("503", "500")), second] });
    const client = await proxy.client();
    client.write(GET);
    assert.match((await client.message()).head, /^HTTP\/1.1 500/);
    assert.equal(second.arrivals.length, 0);
  });

  it("not at the endpoint that said Retry-After, when there is no other", async () => {
    const only = await answering(BUSY.replace("\r\n\r\n", "\r\nRetry-After: 7\r\n\r\n"));
    await using proxy = await startProxy({ backends: [only] });
    const client = await proxy.client();
    client.write(GET);
    assert.match((await client.message()).head, /^HTTP\/1.1 503 .*Retry-After: 7/s);
    assert.equal(only.arrivals.length, 1);
  });

  it("as often as `retries` says, and then no more", async () => {
    const only = await answering(BUSY);
    await using proxy = await startProxy({ backends: [only], upstream: { retries: 3 } });
    const client = await proxy.client();
    client.write(GET);
    await client.message();
    assert.equal(only.arrivals.length, 4);
  });

  it("not beyond the budget", async () => {
    const only = await answering(BUSY);
    await using proxy = await startProxy({
      backends: [only],
      upstream: { retries: 3, retryBudget: 0, retryReserve: 0 },
    });
    const client = await proxy.client();
    client.write(GET);
    await client.message();
    assert.equal(only.arrivals.length, 1);
  });

  it("after a pause, when all endpoints have been asked", async () => {
    const clock = new VirtualClock();
    const only = await answering(BUSY);
    await using proxy = await startProxy({
      backends: [only],
      clock,
      random: () => 0.5,
      upstream: { retries: 1, backoffBase: "100ms", backoffMax: "100ms" },
    });
    const client = await proxy.client();
    client.write(GET);
    await eventually(() => only.arrivals.length === 1 && proxy.upstream.retry.retrying === 1);
    clock.advance(49);
    assert.equal(only.arrivals.length, 1);
    clock.advance(2);
    await client.message();
    assert.equal(only.arrivals.length, 2);
  });

  it("not once a byte of an answer has reached the client", async () => {
    const first = await Backend.start(async (connection) => {
      await connection.message();
      connection.write("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf");
      await new Promise<void>((resolve) => setImmediate(resolve));
      connection.reset();
    });
    const second = await answering(OK);
    await using proxy = await startProxy({ backends: [first, second] });
    const client = await proxy.client();
    client.write(GET);
    await client.end();
    assert.ok(!client.received.includes("ok"));
    assert.equal(second.arrivals.length, 0);
  });
});

describe("a body is repeated", () => {
  const PUT = "PUT /a HTTP/1.1\r\nHost: shop\r\nContent-Length: 6\r\n\r\n";
  const receiving = async (bodies: string[]): Promise<Backend> =>
    answering((_head, body) => {
      bodies.push(body);
      return OK;
    });

  it("when the method is idempotent and the body fits retryBodyBytes, also when it came in pieces", async () => {
    const bodies: string[] = [];
    await using proxy = await startProxy({
      backends: [await Backend.start(resetting), await receiving(bodies)],
      http: { retryBodyBytes: 6 },
    });
    const client = await proxy.client();
    client.write(PUT);
    for (const byte of "abcdef") client.write(byte);
    assert.equal((await client.message()).body, "ok");
    assert.deepEqual(bodies, ["abcdef"]);
  });

  it("not when it is longer", async () => {
    const bodies: string[] = [];
    await using proxy = await startProxy({
      backends: [await Backend.start(resetting), await receiving(bodies)],
      http: { retryBodyBytes: 5 },
    });
    const client = await proxy.client();
    client.write(`${PUT}abcdef`);
    assert.match((await client.message()).head, /^HTTP\/1.1 502/);
    assert.deepEqual(bodies, []);
  });

  it("whole, when its beginning waited for a connection that failed", async () => {
    const bodies: string[] = [];
    await using proxy = await startProxy({ backends: [await refusing(), await receiving(bodies)] });
    const client = await proxy.client();
    const body = "x".repeat(200_000);
    client.write(`POST /a HTTP/1.1\r\nHost: shop\r\nContent-Length: ${body.length}\r\n\r\n${body}`);
    assert.equal((await client.message()).body, "ok");
    assert.ok(bodies[0] === body);
  });
});

describe("a stale connection", () => {
  it("costs a GET nothing: it is sent again, outside the budget", async () => {
    const backend = await Backend.start(async (connection, index) => {
      await connection.message();
      connection.write(OK);
      if (index > 0) return;
      await connection.message();
      connection.close();
    });
    await using proxy = await startProxy({
      backends: [backend],
      upstream: { retryBudget: 0, retryReserve: 0 },
    });
    const client = await proxy.client();
    for (let n = 0; n < 2; n++) {
      client.write(GET);
      assert.equal((await client.message()).body, "ok");
    }
    assert.equal(backend.connections.length, 2);
    assert.equal(await proxy.metric("outrigger_http_retries_total", { reason: "stale" }), 1);
    assert.equal(proxy.upstream.describe(0).endpoints[0]?.outcomes.reset, 0);
  });

  it("is not used after its endpoint's Keep-Alive timeout, less a second", async () => {
    const clock = new VirtualClock();
    const backend = await answering(OK.replace("\r\n\r\n", "\r\nKeep-Alive: timeout=5, max=99\r\n\r\n"));
    await using proxy = await startProxy({ backends: [backend], clock });
    const client = await proxy.client();
    for (const pause of [3_900, 3_900, 4_100]) {
      client.write(GET);
      await client.message();
      clock.advance(pause);
    }
    assert.equal(backend.connections.length, 1);
    client.write(GET);
    await client.message();
    assert.equal(backend.connections.length, 2);
  });

  it("is closed by us when it has been idle for upstreamIdleTimeout", async () => {
    const clock = new VirtualClock();
    const backend = await answering(OK);
    await using proxy = await startProxy({ backends: [backend], clock });
    const client = await proxy.client();
    client.write(GET);
    await client.message();
    clock.advance(6_000);
    await backend.connections[0]?.end();
  });
});

describe("a late answer is hedged", () => {
  /** Answers at once, but for the requests to /slow. */
  const sometimesSlow = (): Promise<Backend> => {
    const backend: Promise<Backend> = Backend.start(async (connection) => {
      for (;;) {
        const { head } = await connection.message().catch(() => ({ head: "" }));
        if (head === "") return;
        (await backend).arrivals.push(head);
        if (head.includes("/slow")) return;
        connection.write(OK);
      }
    });
    return backend;
  };
  const hedging = { hedge: true, hedgeSamples: 10, hedgeMin: "50ms", hedgeMax: 1 } as const;

  it("with a second attempt elsewhere, whose answer is taken; the first is cancelled", async () => {
    const clock = new VirtualClock();
    const backends = [await sometimesSlow(), await answering(OK)];
    await using proxy = await startProxy({ backends, clock, upstream: hedging });
    const client = await proxy.client();
    for (let n = 0; n < 20; n++) {
      client.write(GET);
      await client.message();
    }
    client.write(GET.replace("/a", "/slow"));
    await eventually(() => backends[0]?.arrivals.some((head) => head.includes("/slow")) ?? false);
    clock.advance(40);
    assert.ok(!backends[1]?.arrivals.some((head) => head.includes("/slow")), "hedged before the floor");
    clock.advance(20);
    assert.equal((await client.message()).body, "ok");
    assert.ok(backends[1]?.arrivals.some((head) => head.includes("/slow")));
    await eventually(() => backends[0]?.connections.every(({ ended }) => ended) ?? false);
    assert.equal(
      proxy.upstream.endpoints.reduce((sum, { active }) => sum + active, 0),
      0,
    );
  });

  /** Two endpoints that play what /slow asks of them, one after the other; the client has asked for it. */
  const racing = async (
    first: (at: ByteStream) => Promise<void>,
    second: (at: ByteStream) => Promise<void>,
  ) => {
    const clock = new VirtualClock();
    const asked: string[] = [];
    const plays = [first, second];
    const backends = await Promise.all(
      ["a", "b"].map((name) =>
        Backend.start(async (connection) => {
          for (;;) {
            const { head } = await connection.message().catch(() => ({ head: "" }));
            if (head === "") return;
            if (head.includes("/slow")) {
              asked.push(name);
              return await plays[asked.length - 1]?.(connection);
            }
            connection.write(OK);
          }
        }),
      ),
    );
    const proxy = await startProxy({ backends, clock, upstream: hedging });
    const client = await proxy.client();
    for (let n = 0; n < 20; n++) {
      client.write(GET);
      await client.message();
    }
    client.write(GET.replace("/a", "/slow"));
    await eventually(() => asked.length === 1);
    clock.advance(60);
    await eventually(() => asked.length === 2);
    return { proxy, client, asked };
  };

  it("and while two attempts run, no interim answer of either is passed on: the other may be the one that answers", async () => {
    let hinted = false;
    const { proxy, client } = await racing(
      async () => {
        await eventually(() => hinted);
      },
      async (connection) => {
        connection.write("HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n");
        hinted = true;
        connection.write(OK);
      },
    );
    await using _ = proxy;
    assert.match((await client.message()).head, /^HTTP\/1\.1 200 /);
  });

  it("and the failure of one of two attempts is no reason for a third", async () => {
    let [hedged, broken] = [false, false];
    const { proxy, client, asked } = await racing(
      async (connection) => {
        await eventually(() => hedged);
        connection.reset();
        broken = true;
      },
      async (connection) => {
        hedged = true;
        await eventually(() => broken);
        for (let turn = 0; turn < 50; turn++) await new Promise<void>((resolve) => setImmediate(resolve));
        connection.write(OK);
      },
    );
    await using _ = proxy;
    assert.equal((await client.message()).body, "ok");
    assert.equal(asked.length, 2);
    assert.equal(
      proxy.upstream.endpoints.reduce((sum, { active }) => sum + active, 0),
      0,
    );
  });

  it("only when there is a place for it; what was not sent is not counted", async () => {
    const clock = new VirtualClock();
    const backends = [await sometimesSlow(), await sometimesSlow()];
    await using proxy = await startProxy({ backends, clock, upstream: { ...hedging, maxConnections: 1 } });
    const client = await proxy.client();
    for (let n = 0; n < 20; n++) {
      client.write(GET);
      await client.message();
    }
    const others = [await proxy.client(), await proxy.client()];
    for (const other of others) other.write(GET.replace("/a", "/slow"));
    await eventually(() => backends.every(({ arrivals }) => arrivals.some((head) => head.includes("/slow"))));
    clock.advance(1000);
    for (let turn = 0; turn < 20; turn++) await new Promise<void>((resolve) => setImmediate(resolve));
    assert.equal(await proxy.metric("outrigger_upstream_hedges_total"), 0);
  });

  it("but never a POST", async () => {
    const clock = new VirtualClock();
    const backends = [await sometimesSlow(), await answering(OK)];
    await using proxy = await startProxy({ backends, clock, upstream: hedging });
    const client = await proxy.client();
    for (let n = 0; n < 20; n++) {
      client.write(GET);
      await client.message();
    }
    client.write(POST.replace("/a", "/slow"));
    await eventually(() => backends[0]?.arrivals.some((head) => head.includes("/slow")) ?? false);
    clock.advance(10_000);
    await new Promise<void>((resolve) => setImmediate(resolve));
    assert.ok(!backends[1]?.arrivals.some((head) => head.includes("/slow")));
  });
});
