/** One end of a TCP connection as a test sees it: what has come so far, and ways to wait for what comes next. */
import { once } from "node:events";
import { connect, type Socket } from "node:net";

export class ByteStream {
  readonly socket: Socket;
  /** All that was received and not yet taken, one char per byte. */
  received = "";
  /** The peer closed its side (FIN) or the connection broke (RST). */
  ended = false;
  /** The connection broke. */
  broken = false;
  #wake: (() => void) | null = null;

  constructor(socket: Socket) {
    this.socket = socket;
    socket.on("data", (chunk: Buffer) => this.#changed(() => (this.received += chunk.toString("latin1"))));
    socket.on("end", () => this.#changed(() => (this.ended = true)));
    socket.on("error", () => this.#changed(() => (this.broken = this.ended = true)));
    socket.on("close", () => this.#changed(() => (this.ended = true)));
  }

  static async open(port: number, host = "127.0.0.1"): Promise<ByteStream> {
    const socket = connect({ host, port, allowHalfOpen: true, noDelay: true });
    await once(socket, "connect");
    return new ByteStream(socket);
  }

  write(text: string): void {
    this.socket.write(text, "latin1");
  }

  /** Resolves as soon as the predicate holds; checked whenever something comes. */
  async until(holds: (received: string) => boolean, what = holds.toString()): Promise<void> {
    while (!holds(this.received)) {
      if (this.ended)
        throw new Error(`the peer closed before ${what}; received ${JSON.stringify(this.received)}`);
      await new Promise<void>((resolve) => (this.#wake = resolve));
    }
  }

  /** Takes everything up to and including `mark`. */
  async take(mark: string): Promise<string> {
    await this.until((received) => received.includes(mark), `receiving ${JSON.stringify(mark)}`);
    const end = this.received.indexOf(mark) + mark.length;
    const taken = this.received.slice(0, end);
    this.received = this.received.slice(end);
    return taken;
  }

  async takeBytes(count: number): Promise<string> {
    await this.until((received) => received.length >= count, `receiving ${count} bytes`);
    const taken = this.received.slice(0, count);
    this.received = this.received.slice(count);
    return taken;
  }

  /** Takes a head, and a body by its Content-Length. */
  async message(): Promise<{ head: string; body: string }> {
    const head = await this.take("\r\n\r\n");
    const length = Number(/^content-length: *(\d+)/im.exec(head)?.[1] ?? 0);
    return { head, body: await this.takeBytes(length) };
  }

  /** Resolves when the peer has closed or the connection broke. */
  async end(): Promise<void> {
    while (!this.ended) await new Promise<void>((resolve) => (this.#wake = resolve));
  }

  close(): void {
    this.socket.end();
  }

  /** RST instead of FIN. */
  reset(): void {
    this.socket.resetAndDestroy();
  }

  #changed(change: () => void): void {
    change();
    const wake = this.#wake;
    this.#wake = null;
    wake?.();
  }
}
