/** What a reader that has stopped makes the proxy hold: a small multiple of the bytes that wait for it, however small their pieces. */
import assert from "node:assert/strict";
import { subscribe, unsubscribe } from "node:diagnostics_channel";
import type { Socket } from "node:net";
import { describe, it, mock } from "node:test";
import type { ByteStream } from "../testing/byte-stream.ts";
import { Backend, eventually, startProxy, type ProxyUnderTest } from "../testing/bench-of-parts.ts";
import { MAX_COPIED_BYTES, MAX_UNSENT_BYTES, READ_BUFFER_BYTES } from "./unsent.ts";

const GET = "GET /a HTTP/1.1\r\nHost: shop\r\n\r\n";
const OLD_GET = "GET /a HTTP/1.0\r\nHost: shop\r\n\r\n";
const UPGRADE = "GET /ws HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n";
const SWITCHED = "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n";

const asChunk = (piece: string): string => `${piece.length.toString(16)}\r\n${piece}\r\n`;
const asItIs = (piece: string): string => piece;

/** How a piece goes in, and how it comes out. */
const WAYS = {
  "a tunnel's": { request: UPGRADE, head: SWITCHED, sent: asItIs, received: asItIs },
  "an answer's of known length": {
    request: GET,
    head: "HTTP/1.1 200 OK\r\nContent-Length: 999999999\r\n\r\n",
    sent: asItIs,
    received: asItIs,
  },
  "an answer's in chunks": {
    request: GET,
    head: "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
    sent: asChunk,
    received: asChunk,
  },
  "an answer's that get chunks": {
    request: GET,
    head: "HTTP/1.1 200 OK\r\n\r\n",
    sent: asItIs,
    received: asChunk,
  },
  "an answer's that lose their chunks": {
    request: OLD_GET,
    head: "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
    sent: asChunk,
    received: asItIs,
  },
} as const;

/** What a socket of the proxy was given to write, in order. */
class Written {
  readonly #socket: Socket;
  readonly pieces: (Uint8Array | string)[] = [];

  constructor(socket: Socket) {
    this.#socket = socket;
    const write = socket.write.bind(socket) as (piece: Uint8Array | string, encoding?: string) => boolean;
    socket.write = (piece: Uint8Array | string, encoding?: unknown): boolean => {
      this.pieces.push(piece);
      return write(piece, encoding as string);
    };
  }

  get waiting(): number {
    return this.#socket.writableLength;
  }

  /** The memory behind the pieces that wait: buffers whole, but each once. */
  get held(): number {
    const buffers = new Set<ArrayBufferLike>();
    let held = 0;
    let at = this.pieces.length;
    for (let waiting = this.waiting; waiting > 0;) {
      const piece = this.pieces[--at] as Uint8Array | string;
      waiting -= piece.length;
      if (typeof piece === "string") held += piece.length;
      else buffers.add(piece.buffer);
    }
    for (const { byteLength } of buffers) held += byteLength;
    return held;
  }
}

/** An endpoint's connection and a client's, with the proxy between them, when the head has come through. */
async function through(
  request: string,
  head: string,
  play: (endpoint: ByteStream, written: Written, client: ByteStream) => Promise<void>,
): Promise<void> {
  const backend = await Backend.start(async (connection) => {
    await connection.take("\r\n\r\n");
    connection.write(head);
  });
  await using proxy: ProxyUnderTest = await startProxy({ backends: [backend] });
  let written: Written | null = null;
  const accepted = (message: unknown): void => {
    const { socket } = message as { socket: Socket };
    if (socket.localPort === proxy.port) written = new Written(socket);
  };
  subscribe("net.server.socket", accepted);
  try {
    const client = await proxy.client();
    client.write(request);
    await client.take("\r\n\r\n");
    await play(backend.connections[0] as ByteStream, written as unknown as Written, client);
  } finally {
    unsubscribe("net.server.socket", accepted);
  }
}

/** Sends a piece and waits until the proxy has passed it on, so that each is a read of its own. */
async function send(endpoint: ByteStream, written: Written, bytes: string): Promise<void> {
  const before = written.pieces.length;
  endpoint.write(bytes);
  await eventually(() => written.pieces.length > before && endpoint.socket.writableLength === 0);
}

/** Bytes that come out wrong when a buffer is used twice. */
const changing = (length: number, seed: number): string =>
  Buffer.from(Array.from({ length }, (_, n) => (seed * 31 + n * 7) & 0xff)).toString("latin1");

const ALLOWED = 4 * (MAX_UNSENT_BYTES + READ_BUFFER_BYTES) + READ_BUFFER_BYTES;

/**
 * Lets the proxy pass on piece after piece until it would take no more, and judges what it holds; then the client reads.
 * @param pass passes one piece on, and tells what the client is to get of it
 */
async function untilFull(
  written: Written,
  client: ByteStream,
  size: number,
  pass: (piece: string) => Promise<string>,
): Promise<void> {
  client.socket.pause();
  const allocated = mock.method(Buffer, "allocUnsafeSlow").mock;
  let expected = "";
  let most = 0;
  for (let n = 0; written.waiting <= MAX_UNSENT_BYTES; n++) {
    // Larger ones until the kernel's buffers are full.
    expected += await pass(changing(written.waiting === 0 ? READ_BUFFER_BYTES / 2 : size, n));
    most = Math.max(most, written.held);
  }
  assert.ok(most <= ALLOWED, `${most} bytes are held for ${written.waiting} that wait`);
  const lent = written.pieces.filter((piece) => typeof piece !== "string");
  assert.ok(allocated.callCount() <= lent.length + 2, "buffers were replaced that are not in use");
  allocated.restore();
  const large = written.pieces.filter(({ length }) => length > MAX_COPIED_BYTES);
  assert.ok(
    large.every((piece) => typeof piece !== "string"),
    "a large piece was copied",
  );
  client.socket.resume();
  assert.ok((await client.takeBytes(expected.length)) === expected, "other bytes came than were sent");
}

describe("a reader that has stopped makes the proxy hold little more than what may wait for it, in pieces of", () => {
  for (const [name, { request, head, sent, received }] of Object.entries(WAYS))
    for (const size of [100, 2000, MAX_COPIED_BYTES + 1])
      it(`${size} bytes, ${name}`, async () => {
        await through(request, head, async (endpoint, written, client) => {
          await untilFull(written, client, size, async (piece) => {
            await send(endpoint, written, sent(piece));
            return received(piece);
          });
        });
      });

  it("100 bytes, each a whole answer", async () => {
    const answer = (body: string): string =>
      `HTTP/1.1 200 OK\r\ncontent-length: ${body.length}\r\n\r\n${body}`;
    await through(GET, answer(""), async (endpoint, written, client) => {
      await untilFull(written, client, 100, async (piece) => {
        client.write(GET);
        await endpoint.take("\r\n\r\n");
        await send(endpoint, written, answer(piece));
        return answer(piece);
      });
    });
  });
});

describe("to a reader that keeps up, bytes go uncopied, all out of one buffer:", () => {
  for (const [name, { request, head, sent, received }] of Object.entries(WAYS))
    it(name, async () => {
      await through(request, head, async (endpoint, written, client) => {
        written.pieces.length = 0;
        for (let n = 0; n < 20; n++) {
          const piece = changing(100, n);
          await send(endpoint, written, sent(piece));
          assert.equal(await client.takeBytes(received(piece).length), received(piece));
        }
        const buffers = written.pieces.filter((piece) => typeof piece !== "string");
        assert.equal(buffers.length, 20);
        assert.equal(new Set(buffers.map(({ buffer }) => buffer)).size, 1);
      });
    });
});
