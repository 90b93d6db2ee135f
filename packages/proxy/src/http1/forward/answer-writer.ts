/**
 * Writes one answer to the client: its head, then its body as it comes, in the framing that the client understands. The
 * upstream's read buffer goes to the client's socket as it is; when that cannot take it at once, the buffer stays with the
 * socket, or a copy of what is small, and the upstream is paused once the socket is full.
 */
import { rewriteResponse, trimResponse } from "../codec/rewrite.ts";
import type { ExchangeClient } from "./exchange-client.ts";
import { ONE_WRITE_BYTES } from "./request-body.ts";
import type { UpstreamConnection } from "./upstream-connection.ts";

const LAST_CHUNK = "0\r\n\r\n";

export class AnswerWriter {
  readonly #client: ExchangeClient;
  #chunking: "as-is" | "add" | "remove" = "as-is";

  constructor(client: ExchangeClient) {
    this.#client = client;
  }

  /**
   * Writes the head that stands in the pool's scratch head and what has come of the body, which begins at bodyStart in
   * `bytes`. Returns the offset up to which the bytes were used.
   * @param old the client speaks HTTP/1.0: it knows no chunks, and keeps the connection only if told
   * @param added whole lines to add to the head
   */
  begin(
    connection: UpstreamConnection,
    past: number,
    bytes: Buffer,
    bodyStart: number,
    end: number,
    old: boolean,
    added: string,
  ): number {
    const client = this.#client;
    const { head, framing } = client.pool;
    const { body } = connection;
    this.#chunking =
      body.kind === "close" && !old ? "add" : body.kind === "chunked" && old ? "remove" : "as-is";
    if (old && (body.kind === "close" || body.kind === "chunked")) client.keepAlive = false;
    if (client.draining) client.keepAlive = false;
    // Usually nothing is added: then head and body go out as they stand, in one write.
    if (this.#chunking === "as-is" && added === "" && client.keepAlive && !old && past === bodyStart) {
      const bodyEnd = this.#passWhole(connection, past, bytes, end);
      if (bodyEnd >= 0) return bodyEnd;
    }
    const text = rewriteResponse(head, past, framing, {
      connection: client.keepAlive ? (old ? "keep-alive" : "") : "close",
      // Nor may a field speak of chunks to it where there is no body, as in the answer to a HEAD.
      chunking: old && this.#chunking === "as-is" ? "remove" : this.#chunking,
      added,
    });
    if (this.#chunking !== "as-is") {
      client.writeText(text);
      return this.continue(connection, bytes, bodyStart, end);
    }
    const bodyEnd = body.read(bytes, bodyStart, end);
    const length = bodyEnd - bodyStart;
    if (length === 0 || body.violation) client.writeText(text);
    else if (text.length + length <= ONE_WRITE_BYTES) {
      client.writeText(text + bytes.toString("latin1", bodyStart, bodyEnd));
      client.metrics.bytesToClients.inc(length);
    } else {
      const waits = client.hasUnsentBytes;
      client.cork();
      client.writeText(text);
      this.#write(connection, bytes, bodyStart, bodyEnd, waits);
      client.uncork();
      this.#holdBack(connection);
    }
    return bodyEnd;
  }

  /**
   * Writes the head, trimmed in place, with what has come of the body behind it. Returns the offset up to which the bytes
   * were used; -1: this answer cannot go so.
   */
  #passWhole(connection: UpstreamConnection, past: number, bytes: Buffer, end: number): number {
    const client = this.#client;
    const { head, framing } = client.pool;
    // A head that came in pieces stands elsewhere.
    if (head.bytes !== bytes) return -1;
    const { body } = connection;
    const start = trimResponse(head, past, framing);
    if (start < 0) return -1;
    const bodyEnd = body.read(bytes, past, end);
    // Of a body that breaks its framing nothing goes out; the head does, as the client must see that its answer broke off.
    const answerEnd = body.violation ? past : bodyEnd;
    client.metrics.bytesToClients.inc(answerEnd - past);
    const waits = client.hasUnsentBytes;
    if (waits || !body.done || !client.writeSoon(bytes, start, answerEnd)) {
      client.writeBytes(connection.lend(bytes, start, answerEnd, waits));
      this.#holdBack(connection);
    }
    return bodyEnd;
  }

  /** Forwards more of the body, which stands at start..end. Returns the offset up to which it was the body. */
  continue(connection: UpstreamConnection, bytes: Buffer, start: number, end: number): number {
    const client = this.#client;
    const { body } = connection;
    const waits = client.hasUnsentBytes;
    let past = end;
    if (this.#chunking === "as-is") {
      past = body.read(bytes, start, end);
      if (!body.violation) this.#write(connection, bytes, start, past, waits);
    } else if (end > start) {
      client.cork();
      if (this.#chunking === "remove") {
        past = body.read(bytes, start, end, (dataStart, dataEnd) =>
          this.#write(connection, bytes, dataStart, dataEnd, waits),
        );
      } else {
        client.writeText(`${(end - start).toString(16)}\r\n`);
        this.#write(connection, bytes, start, end, waits);
        client.writeText("\r\n");
      }
      client.uncork();
    }
    this.#holdBack(connection);
    return past;
  }

  end(): void {
    if (this.#chunking === "add") this.#client.writeText(LAST_CHUNK);
  }

  #write(connection: UpstreamConnection, bytes: Buffer, start: number, end: number, waits: boolean): void {
    if (end === start) return;
    this.#client.writeBytes(connection.lend(bytes, start, end, waits));
    this.#client.metrics.bytesToClients.inc(end - start);
  }

  #holdBack(connection: UpstreamConnection): void {
    if (this.#client.hasUnsentBytes) connection.giveBufferAway();
    if (this.#client.isFull) connection.pause();
  }
}
