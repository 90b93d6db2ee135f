/** Properties: splitting changes nothing, and what Node's own parser accepts as well, it frames the same way. */
import assert from "node:assert/strict";
import { createServer, type IncomingMessage } from "node:http";
import { Duplex } from "node:stream";
import { it } from "node:test";
import fc from "fast-check";
import { readAll, type Reading } from "../testing/read-all.ts";

/** Pieces of requests, right and wrong, from which streams are put together. */
const START = [
  "GET / HTTP/1.1\r\n",
  "POST /a?b HTTP/1.1\r\n",
  "PUT /x HTTP/1.0\r\n",
  "DELETE http://a/ HTTP/1.1\r\n",
  "OPTIONS * HTTP/1.1\r\n",
  "GET / HTTP/1.1\n",
  "HEAD  / HTTP/1.1\r\n",
];
const FIELD = [
  "Host: a\r\n",
  "Host: a\r\n",
  "host:a\r\n",
  "Content-Length: 5\r\n",
  "Content-Length: 0\r\n",
  "content-length:  5 \r\n",
  "Content-Length: 05\r\n",
  "Content-Length: +5\r\n",
  "Transfer-Encoding: chunked\r\n",
  "transfer-encoding:chunked\r\n",
  "Transfer-Encoding: chunked \r\n",
  "Transfer-Encoding: x\r\n",
  "Connection: close\r\n",
  "Connection: keep-alive, x\r\n",
  "X: y\r\n",
  "X : y\r\n",
  "X: y\r\n z\r\n",
  "Long: " + "v".repeat(300) + "\r\n",
  "X: \xff\r\n",
  "Expect: 100-continue\r\n",
  ": x\r\n",
  "X: a\rb\r\n",
  "X: a\0\r\n",
];
const BODY = [
  "",
  "",
  "hello",
  "5\r\nhello\r\n0\r\n\r\n",
  "5;a=b\r\nhello\r\n0\r\nT: u\r\n\r\n",
  "0\r\n\r\n",
  "05\r\nhello\r\n0\r\n\r\n",
  "5\nhello\r\n0\r\n\r\n",
  "5\r\nhello0\r\n\r\n",
  "-5\r\nhello\r\n0\r\n\r\n",
];

/** Anything from the lists above: seldom right. */
const wild = fc
  .tuple(
    fc.constantFrom(...START),
    fc.array(fc.constantFrom(...FIELD), { maxLength: 6 }),
    fc.constantFrom(...BODY),
  )
  .map(([start, fields, body]) => `${start}${fields.join("")}\r\n${body}`);

/** Right, unless a byte is changed later. */
const tame = fc
  .tuple(
    fc.constantFrom("GET", "POST", "PUT", "DELETE"),
    fc.constantFrom("/", "/a?b=c", "/%00"),
    fc.subarray([
      "X: y\r\n",
      "Connection: keep-alive\r\n",
      "Long: " + "v".repeat(100) + "\r\n",
      "Accept: */*\r\n",
    ]),
    fc.constantFrom(
      ["", ""],
      ["Content-Length: 5\r\n", "hello"],
      ["content-length:0\r\n", ""],
      ["Transfer-Encoding: chunked\r\n", "5\r\nhello\r\n0\r\n\r\n"],
      ["transfer-encoding: Chunked\r\n", "1\r\nh\r\n004;x=y\r\nello\r\n0\r\nT: u\r\n\r\n"],
    ),
  )
  .map(
    ([method, target, fields, [length, body]]) =>
      `${method} ${target} HTTP/1.1\r\nHost: a\r\n${fields.join("")}${length}\r\n${body}`,
  );

const stream = fc
  .tuple(
    fc.array(fc.oneof({ weight: 5, arbitrary: tame }, { weight: 1, arbitrary: wild }), {
      minLength: 1,
      maxLength: 3,
    }),
    fc.option(
      fc.tuple(
        fc.nat(),
        fc.oneof(fc.integer({ min: 0, max: 255 }), fc.constantFrom(9, 10, 13, 32, 44, 58, 59)),
      ),
      { freq: 2 },
    ),
  )
  .map(([messages, change]) => {
    const bytes = Buffer.from(messages.join(""), "latin1");
    if (change) bytes[change[0] % bytes.length] = change[1];
    return bytes;
  });

it("a stream split at every byte boundary reads as the whole does", () => {
  fc.assert(
    fc.property(stream, (bytes) => {
      // A stream that stops inside a line says nothing yet; the empty line makes every head come to its end.
      const whole = Buffer.concat([bytes, Buffer.from("\r\n\r\n")]);
      const expected = readAll([whole]);
      assert.deepEqual(readAll([...whole].map((byte) => Buffer.of(byte))), expected);
      for (let at = 1; at < whole.length; at++)
        assert.deepEqual(readAll([whole.subarray(0, at), whole.subarray(at)]), expected, `split at ${at}`);
    }),
    { numRuns: 300 },
  );
});

it("arbitrary bytes, in arbitrary pieces, are read or refused, and never throw", () => {
  fc.assert(
    fc.property(
      fc.array(fc.uint8Array({ maxLength: 60 }), { maxLength: 8 }),
      fc.constantFrom("request" as const, "response" as const),
      (pieces, side) => {
        readAll(
          pieces.map((piece) => Buffer.from(piece)),
          side,
        );
      },
    ),
    { numRuns: 3000 },
  );
});

interface NodeReading {
  readonly messages: readonly {
    readonly method: string;
    readonly url: string;
    readonly body: string;
    readonly complete: boolean;
  }[];
  readonly refused: boolean;
}

/** What node:http makes of the same bytes. */
async function readWithNode(bytes: Buffer): Promise<NodeReading> {
  const messages: { method: string; url: string; body: string; complete: boolean }[] = [];
  let refused = false;
  const server = createServer({ keepAliveTimeout: 0, requestTimeout: 0, headersTimeout: 0 });
  const onRequest = (request: IncomingMessage, response: { end(): void }): void => {
    const entry = { method: request.method ?? "", url: request.url ?? "", body: "", complete: false };
    messages.push(entry);
    request.on("data", (chunk: Buffer) => (entry.body += chunk.toString("latin1")));
    request.on("end", () => {
      entry.complete = request.complete;
      response.end();
    });
    request.on("error", () => {});
  };
  server.on("request", onRequest);
  server.on("checkContinue", onRequest);
  // An Expect of anything else: without this, node:http would answer 417 by itself and tell nobody of the request.
  server.on("checkExpectation", onRequest);
  server.on("clientError", (_error, socket) => {
    refused = true;
    socket.destroy();
  });
  await new Promise<void>((resolve) => {
    const wire = new Duplex({
      read() {},
      write: (_chunk, _encoding, done) => done(),
      final: (done) => done(),
    });
    wire.on("close", () => resolve());
    wire.on("error", () => {});
    server.emit("connection", wire);
    wire.push(bytes);
    wire.push(null);
  });
  server.close();
  return { messages, refused };
}

it("whatever ours and Node's parser both accept, both frame the same way", async () => {
  let accepted = 0;
  await fc.assert(
    fc.asyncProperty(stream, async (bytes) => {
      const ours: Reading = readAll([bytes]);
      const node = await readWithNode(bytes);
      // Compared as far as both went: the messages that both read whole, in order.
      const whole = ours.messages.filter(({ complete }) => complete);
      const theirs = node.messages.filter(({ complete }) => complete);
      for (let n = 0; n < Math.min(whole.length, theirs.length); n++) {
        accepted++;
        const [mine, his] = [whole[n] as (typeof whole)[0], theirs[n] as (typeof theirs)[0]];
        const [method, url] = mine.line.split(" ");
        assert.deepEqual(
          { method, url, body: mine.body },
          { method: his.method, url: Buffer.from(his.url, "latin1").toString("latin1"), body: his.body },
        );
      }
      // Where ours found no fault at all, Node must not have read more messages than we did.
      if (ours.violation === null && !node.refused)
        assert.ok(theirs.length <= ours.messages.length, "Node sees a message where ours sees a body");
    }),
    { numRuns: 2500 },
  );
  assert.ok(
    accepted > 200,
    `only ${accepted} messages were accepted by both: the generator is too wild to prove anything`,
  );
});
