/** Chunks taken at their source come in order, and a paused socket holds its sender back. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { connect, createServer, type AddressInfo, type Socket } from "node:net";
import { describe, it } from "node:test";
import { eventually } from "../testing/bench-of-parts.ts";
import { takeReads } from "./accepted-reads.ts";

const SENT = Buffer.from(Array.from({ length: 16 * 1024 * 1024 }, (_, n) => (n * 31 + (n >> 8)) & 0xff));

/** A client that sends SENT, and what the accepted socket has given so far. */
async function transfer(
  prepare: (socket: Socket) => void,
): Promise<{ client: Socket; accepted: Socket; got: () => Buffer; length: () => number; stop: () => void }> {
  const pieces: Buffer[] = [];
  let length = 0;
  const server = createServer({ allowHalfOpen: true });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const client = connect((server.address() as AddressInfo).port, "127.0.0.1");
  const [accepted] = (await once(server, "connection")) as [Socket];
  takeReads(accepted, (chunk) => {
    pieces.push(Buffer.from(chunk));
    length += chunk.length;
  });
  prepare(accepted);
  client.end(SENT);
  return {
    client,
    accepted,
    got: () => Buffer.concat(pieces),
    length: () => length,
    stop: () => {
      client.destroy();
      accepted.destroy();
      server.close();
    },
  };
}

describe("an accepted socket", () => {
  it("gives all bytes in order, and then its end", async () => {
    const { accepted, got, stop } = await transfer(() => {});
    await once(accepted, "end");
    assert.ok(got().equals(SENT));
    stop();
  });

  it("that is paused again and again gives all bytes in order", async () => {
    const { accepted, got, stop } = await transfer((socket) => {
      socket.on("pause", () => setImmediate(() => socket.resume()));
      const push = socket.push.bind(socket);
      socket.push = (chunk: Buffer | null, encoding?: BufferEncoding): boolean => {
        const wantsMore = push(chunk, encoding);
        socket.pause();
        return wantsMore;
      };
    });
    await once(accepted, "end");
    assert.ok(got().equals(SENT));
    stop();
  });

  it("gives nothing while paused, and its sender has to wait", async () => {
    const { client, accepted, got, length, stop } = await transfer(() => {});
    await eventually(() => length() > 0);
    accepted.pause();
    const before = length();
    // The stream's own queue takes one chunk more, then the kernel's buffers fill up.
    await eventually(() => accepted.readableLength > 0);
    let unsent = -1;
    await eventually(async () => {
      const same = unsent === client.bytesWritten - client.writableLength;
      unsent = client.bytesWritten - client.writableLength;
      for (let turn = 0; turn < 100; turn++) await new Promise<void>((resolve) => setImmediate(resolve));
      return same;
    });
    assert.equal(length(), before);
    assert.ok(accepted.readableLength <= 128 * 1024, `${accepted.readableLength} bytes wait in the queue`);
    accepted.resume();
    await once(accepted, "end");
    assert.ok(got().equals(SENT));
    stop();
  });

  it("whose net does not come by push gives its bytes all the same", async () => {
    const { accepted, got, stop } = await transfer((socket) => void Reflect.deleteProperty(socket, "push"));
    await once(accepted, "end");
    assert.ok(got().equals(SENT));
    stop();
  });
});
