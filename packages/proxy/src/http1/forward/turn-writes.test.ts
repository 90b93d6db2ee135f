/** Writes gathered over a turn: in order, soon, and never the bytes of another. */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { describe, it } from "node:test";
import { answering, eventually, holding, OK, startProxy } from "../testing/bench-of-parts.ts";
import { TurnWrites, WORTH_GATHERING } from "./turn-writes.ts";

const GET = (path: string): string => `GET ${path} HTTP/1.1\r\nHost: shop\r\n\r\n`;
const nextTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe("the writes of a turn", () => {
  const recording = (): { writes: TurnWrites; done: number[]; add: (name: number) => void } => {
    const writes = new TurnWrites();
    const done: number[] = [];
    return { writes, done, add: (name) => writes.add({ flush: () => void done.push(name) }) };
  };

  it("are made in order at its end, once", async () => {
    const { done, add } = recording();
    for (const name of [3, 1, 2]) add(name);
    assert.deepEqual(done, []);
    await nextTurn();
    assert.deepEqual(done, [3, 1, 2]);
    add(4);
    await nextTurn();
    assert.deepEqual(done, [3, 1, 2, 4]);
  });

  it("do not wait for more than 63 others", async () => {
    const { done, add } = recording();
    for (let name = 0; name < 63; name++) add(name);
    assert.equal(done.length, 0);
    add(63);
    assert.deepEqual(
      done,
      Array.from({ length: 64 }, (_, name) => name),
    );
    add(64);
    await nextTurn();
    assert.equal(done.at(-1), 64);
  });

  it("are worth gathering while many requests are in flight, and from the first that waits to the last", () => {
    const { writes, add } = recording();
    assert.equal(writes.worthwhile(WORTH_GATHERING - 1), false);
    assert.equal(writes.worthwhile(WORTH_GATHERING), true);
    add(1);
    assert.equal(writes.worthwhile(1), true);
    writes.flush();
    assert.equal(writes.worthwhile(1), false);
  });
});

/** The path, often enough to make some KB, so that any other's bytes would be seen. */
const bodyOf = (path: string): string => `${path},`.repeat(700);
const answerTo = (head: string): string => {
  const body = bodyOf(head.split(" ")[1] as string);
  return `HTTP/1.1 200 OK\r\nX-A: b\r\nConnection: keep-alive\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
};

describe("many requests at once", () => {
  it("get each its own answer, request after request", async () => {
    const backend = await answering(answerTo);
    await using proxy = await startProxy({ backends: [backend] });
    await Promise.all(
      Array.from({ length: 100 }, async (_, who) => {
        const client = await proxy.client();
        for (let n = 0; n < 20; n++) {
          client.write(GET(`/${who}/${n}`));
          const { head, body } = await client.message();
          assert.match(head, /^HTTP\/1\.1 200 OK\r\nX-A: b\r\nContent-Length: \d+\r\n\r\n$/);
          assert.equal(body, bodyOf(`/${who}/${n}`));
        }
      }),
    );
    assert.equal(backend.arrivals.length, 2000);
  });

  it("leave a client that does not read with answers that nobody writes over", async () => {
    const { backend, release } = await holding(answerTo);
    await using proxy = await startProxy({ backends: [backend] });
    for (let n = 0; n < WORTH_GATHERING; n++) (await proxy.client()).write(GET("/held"));
    await eventually(() => backend.arrivals.length === WORTH_GATHERING);
    const stopped = await proxy.client();
    stopped.socket.pause();
    const COUNT = 3000;
    for (let n = 0; n < COUNT; n++) stopped.write(GET(`/pipelined/${n}`));
    // More is not asked for than the client's socket can take; by then it holds bytes that it could not write.
    let before = -1;
    await eventually(async () => {
      if (before === backend.arrivals.length) return true;
      before = backend.arrivals.length;
      for (let turn = 0; turn < 200; turn++) await nextTurn();
      return false;
    });
    assert.ok(before < COUNT, "the client's socket never filled");
    const other = await proxy.client();
    for (let n = 0; n < 50; n++) {
      other.write(GET(`/other/${n}`));
      assert.equal((await other.message()).body, bodyOf(`/other/${n}`));
    }
    stopped.socket.resume();
    for (let n = 0; n < COUNT; n++) assert.equal((await stopped.message()).body, bodyOf(`/pipelined/${n}`));
    release();
  });
});

it("uploads at once arrive whole, each behind its own head", async () => {
  const backend = await answering((head, body) => {
    const answer = `${head.split(" ")[1]} ${createHash("sha256").update(body, "latin1").digest("hex")}`;
    return `HTTP/1.1 200 OK\r\nContent-Length: ${answer.length}\r\n\r\n${answer}`;
  });
  await using proxy = await startProxy({ backends: [backend] });
  await Promise.all(
    Array.from({ length: 30 }, async (_, who) => {
      const client = await proxy.client();
      for (let n = 0; n < 5; n++) {
        const body = `${who}/${n} `.repeat(100 + 4000 * (n % 3));
        const start = `POST /${who}/${n} HTTP/1.1\r\nHost: a\r\nContent-Length: ${body.length}\r\n\r\n`;
        // With the head comes a part of the body; the rest follows in the same turn, or a later one.
        client.write(start + body.slice(0, body.length / 2));
        if (who % 2 === 0) await nextTurn();
        client.write(body.slice(body.length / 2));
        const expected = createHash("sha256").update(body).digest("hex");
        assert.equal((await client.message()).body, `/${who}/${n} ${expected}`);
      }
    }),
  );
  assert.equal(backend.arrivals.length, 150);
});

it("a request that waits for the end of the turn when its connection closes was not sent: even a POST goes elsewhere", async () => {
  const { backend, release } = await holding(answerTo);
  await using proxy = await startProxy({
    backends: [backend],
    upstream: { retryBudget: 0, retryReserve: 0 },
  });
  for (let n = 0; n < WORTH_GATHERING; n++) (await proxy.client()).write(GET("/held"));
  await eventually(() => backend.arrivals.length === WORTH_GATHERING);
  const client = await proxy.client();
  for (let n = 0; n < 20; n++) {
    const known = backend.connections.length;
    client.write(GET("/warm"));
    await client.message();
    const idle = backend.connections.at(-1);
    // Both reach the proxy in one turn: the request first, then the end of the connection that it was given.
    client.write("POST /once HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\na");
    idle?.socket.destroy();
    assert.equal((await client.message()).body, bodyOf("/once"));
    assert.ok(backend.connections.length > known);
  }
  assert.equal(backend.arrivals.filter((head) => head.startsWith("POST")).length, 20);
  release();
});

it("a client that leaves while its answer waits is forgotten, and the connection serves the next", async () => {
  const backend = await answering(OK);
  await using proxy = await startProxy({ backends: [backend] });
  await Promise.all(
    Array.from({ length: 40 }, async (_, who) => {
      for (let n = 0; n < 5; n++) {
        const client = await proxy.client();
        client.write(GET(`/${who}/${n}`));
        if ((who + n) % 2 === 0) client.reset();
        else assert.equal((await client.message()).body, "ok");
      }
    }),
  );
  await eventually(() => proxy.upstream.active === 0);
});
