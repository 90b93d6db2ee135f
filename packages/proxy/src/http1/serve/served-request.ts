/**
 * A request that this process answers itself: its head, its body whole or as it comes, and its one answer. Made anew for each
 * request, so that a handler may keep it for as long as it likes: an answer to a client that has left goes nowhere.
 */
import { Deadline, OutriggerError, type Bytes, type Milliseconds } from "@outrigger/core";
import type { ExchangeClient } from "../forward/exchange-client.ts";
import type { ExchangeLimit, Settings } from "../forward/settings.ts";
import type { Handler } from "./handler.ts";
import { renderHead, type AnswerHead, type Fields } from "./answer.ts";

/** Bytes of a body that are taken in before anybody reads it; then the client is paused. */
const UNREAD_BYTES: Bytes = 64 * 1024;
/** Head and body up to this size go out as one string. */
const ONE_WRITE_BYTES: Bytes = 16 * 1024;
const CONTINUE = "HTTP/1.1 100 Continue\r\n\r\n";

/** What the engine has read of it. */
export interface RequestStart {
  readonly method: string;
  readonly target: string;
  /** As it goes on: HTTP/1.1, without the fields of the client's connection, with those that say where it comes from. */
  readonly headText: string;
  readonly minorVersion: number;
  readonly expectsContinue: boolean;
  /** Bytes of the body; Infinity: it does not say. */
  readonly length: Bytes;
  readonly now: Milliseconds;
}

/** Where requests are answered: the listener. */
export interface ServedHome {
  readonly settings: Settings;
  readonly handler: Handler | null;
  handlerFailed(request: ServedRequest, thrown: unknown): void;
}

export class ServedRequest {
  readonly method: string;
  readonly target: string;
  readonly headText: string;
  /** Bytes of the body; Infinity: it does not say. */
  readonly length: Bytes;
  readonly startedAt: Milliseconds;
  /** For the access log. */
  readonly endpointKey = "";
  readonly attempts = 0;
  status = 0;
  active = true;

  readonly #client: ExchangeClient;
  readonly #home: ServedHome;
  readonly #settings: Settings;
  readonly #old: boolean;
  #expectsContinue: boolean;
  #pieces: Buffer[] = [];
  #unread = 0;
  #bodyDone = false;
  /** Some of the body came, and went unread. */
  #dropped = false;
  /** Whoever waits for more of the body. */
  #wake: (() => void) | null = null;
  #wakeDrained: (() => void) | null = null;
  readonly #onLeft: (() => void)[] = [];
  #streams = false;
  /** Of a streamed answer whose length was said: what of it is to come. */
  #toCome: Bytes = Infinity;
  readonly #stall: Deadline<ServedRequest> = new Deadline<ServedRequest>(this);

  constructor(client: ExchangeClient, home: ServedHome, start: RequestStart) {
    this.#client = client;
    this.#home = home;
    this.#settings = home.settings;
    this.method = start.method;
    this.target = start.target;
    this.headText = start.headText;
    this.length = start.length;
    this.startedAt = start.now;
    this.#old = start.minorVersion === 0;
    this.#expectsContinue = start.expectsContinue;
  }

  /** The client has left, or its connection broke, before the answer was whole. Called at most once. */
  onLeft(listener: () => void): void {
    if (this.active) this.#onLeft.push(listener);
    else listener();
  }

  /**
   * All of the body.
   * @throws OutriggerError `body-too-large` as soon as that is known, `client-left`
   */
  async wholeBody(max: Bytes): Promise<Buffer> {
    const tooLarge = (): OutriggerError =>
      new OutriggerError("body-too-large", `the body has more than ${max} bytes`);
    if (this.length !== Infinity && this.length > max) throw tooLarge();
    const pieces: Buffer[] = [];
    let length = 0;
    for (;;) {
      const piece = await this.#next();
      if (piece === null) return pieces.length === 1 ? (pieces[0] as Buffer) : Buffer.concat(pieces);
      length += piece.length;
      if (length > max) throw tooLarge();
      pieces.push(piece);
    }
  }

  /** The body as it comes; whoever does not ask for more holds the client back. @throws OutriggerError `client-left` */
  async *body(): AsyncGenerator<Buffer, void, undefined> {
    for (let piece = await this.#next(); piece !== null; piece = await this.#next()) yield piece;
  }

  /** The whole answer. It goes nowhere where the client has left, or was answered. */
  answer(status: number, fields: Fields, body: Buffer | string = ""): void {
    if (!this.active || this.#streams) return;
    const bytes = typeof body === "string" ? Buffer.from(body, "utf8") : body;
    const bodiless = status === 204 || status === 304;
    const head = this.#head(status, fields, bodiless ? null : bytes.length);
    if (bodiless || this.method === "HEAD" || bytes.length === 0) this.#client.writeText(head);
    else if (head.length + bytes.length <= ONE_WRITE_BYTES)
      this.#client.writeText(head + bytes.toString("latin1"));
    else {
      this.#client.cork();
      this.#client.writeText(head);
      this.#client.writeBytes(bytes);
      this.#client.uncork();
    }
    this.#client.metrics.bytesToClients.inc(bytes.length);
    this.#end();
  }

  /**
   * An answer that comes in pieces, as an event stream does: `write` them, then `endStream`.
   * @param length of all pieces, where it is known
   */
  beginStream(status: number, fields: Fields, length: Bytes = Infinity): void {
    if (!this.active || this.#streams) return;
    this.#streams = true;
    this.#toCome = length;
    if (length !== Infinity) {
      this.#client.writeText(this.#head(status, fields, length));
      return;
    }
    // An HTTP/1.0 client knows no chunks: there the answer ends with the connection.
    if (this.#old) this.#client.keepAlive = false;
    this.#client.writeText(this.#head(status, fields, this.#old ? null : "chunked"));
  }

  /** @returns a promise where the client cannot take more now: it resolves when it can, or has left */
  write(piece: Buffer): Promise<void> | null {
    if (!this.active || !this.#streams || piece.length === 0 || this.method === "HEAD") return null;
    if (piece.length > this.#toCome) throw new RangeError("there is more of the answer than was said");
    const client = this.#client;
    const chunked = this.#toCome === Infinity && !this.#old;
    this.#toCome -= piece.length;
    client.metrics.bytesToClients.inc(piece.length);
    client.cork();
    if (chunked) client.writeText(`${piece.length.toString(16)}\r\n`);
    client.writeBytes(piece);
    if (chunked) client.writeText("\r\n");
    client.uncork();
    if (!client.isFull) return null;
    this.#settings.stalls.arm(this.#stall);
    return new Promise((resolve) => (this.#wakeDrained = resolve));
  }

  endStream(): void {
    if (!this.active || !this.#streams) return;
    if (this.method !== "HEAD") {
      if (this.#toCome === Infinity && !this.#old) this.#client.writeText("0\r\n\r\n");
      else if (this.#toCome !== Infinity && this.#toCome > 0) return this.breakOff();
    }
    this.#end();
  }

  /** The rest of a streamed answer will not come: the client learns of it by the end of its connection. */
  breakOff(): void {
    if (!this.active) return;
    const client = this.#client;
    client.metrics.truncated();
    client.metrics.finished(this.status, (client.clock.now() - this.startedAt) / 1000);
    client.logTruncated();
    this.#over();
    client.destroy();
  }

  // What the client's connection tells it.

  /** Hands it to the handler; what came of the body with the head was taken before. */
  begin(bodyDone: boolean): void {
    this.#bodyDone = bodyDone;
    if (!bodyDone) this.#settings.stalls.arm(this.#stall, this.startedAt);
    try {
      const handled = this.#home.handler?.handle(this);
      handled?.catch((thrown: unknown) => this.#home.handlerFailed(this, thrown));
    } catch (thrown) {
      this.#home.handlerFailed(this, thrown);
    }
  }

  /** Bytes of the body, without the framing. */
  take(piece: Buffer): void {
    this.#client.metrics.bytesFromClients.inc(piece.length);
    // Nobody will read it once the answer is under way.
    if (piece.length === 0 || !this.active || this.#streams) return;
    this.#pieces.push(piece);
    this.#unread += piece.length;
  }

  /** Some of it was taken; `done`: all of it. */
  bodyCame(done: boolean): void {
    this.#bodyDone = done;
    if (!this.active) return;
    if (done) this.#settings.stalls.disarm(this.#stall);
    else this.#settings.stalls.arm(this.#stall);
    this.#wake?.();
    if (!done && this.#unread >= UNREAD_BYTES) this.#client.pause();
  }

  /** What answers it has thrown. */
  fail(): void {
    if (this.#streams) this.breakOff();
    else this.answer(500, [["content-type", "text/plain"]], "outrigger: it failed; see the log\n");
  }

  /** Pieces are the socket's own buffers. */
  get keepsBytes(): boolean {
    return true;
  }

  clientDrained(): void {
    if (this.#wakeDrained !== null && this.active) this.#settings.stalls.disarm(this.#stall);
    this.#wakeDrained?.();
    this.#wakeDrained = null;
  }

  abandon(): void {
    if (!this.active) return;
    this.#client.metrics.clientClosed();
    this.#over();
    for (const listener of this.#onLeft.splice(0)) listener();
  }

  timedOut(kind: ExchangeLimit): void {
    if (!this.active) return;
    this.#client.metrics.timedOut(kind);
    if (this.#streams) {
      // It does not read.
      this.breakOff();
      for (const listener of this.#onLeft.splice(0)) listener();
      return;
    }
    if (this.#unread >= UNREAD_BYTES) {
      // It is us who do not read.
      this.#settings.stalls.arm(this.#stall);
      return;
    }
    this.answer(408, [["content-type", "text/plain"]], "outrigger: the body did not come\n");
    for (const listener of this.#onLeft.splice(0)) listener();
  }

  /** null: that was all. */
  async #next(): Promise<Buffer | null> {
    for (;;) {
      if (!this.active && (!this.#bodyDone || this.#dropped))
        throw new OutriggerError("client-left", "the client left before its request was read");
      const piece = this.#pieces.shift();
      if (piece !== undefined) {
        this.#unread -= piece.length;
        if (!this.#bodyDone && this.active && this.#unread < UNREAD_BYTES) this.#client.resume();
        return piece;
      }
      if (this.#bodyDone) return null;
      if (this.#expectsContinue) {
        this.#expectsContinue = false;
        this.#client.writeText(CONTINUE);
      }
      await new Promise<void>((resolve) => (this.#wake = resolve));
      this.#wake = null;
    }
  }

  #head(status: number, fields: Fields, length: AnswerHead["length"]): string {
    const client = this.#client;
    this.status = status;
    // A request whose body nobody reads to its end takes its connection with it.
    if (client.draining || !this.#bodyDone) client.keepAlive = false;
    const connection = client.keepAlive ? (this.#old ? "keep-alive" : "") : "close";
    return renderHead({ status, fields, length, connection });
  }

  #end(): void {
    const client = this.#client;
    const now = client.clock.now();
    client.metrics.finished(this.status, (now - this.startedAt) / 1000);
    client.logAccess(now);
    this.#over();
    client.exchangeDone(this.#bodyDone, now);
  }

  #over(): void {
    this.active = false;
    this.#settings.stalls.disarm(this.#stall);
    this.#dropped = this.#pieces.length > 0;
    this.#pieces = [];
    this.#unread = 0;
    this.#wake?.();
    this.clientDrained();
  }
}
