/**
 * One connection to an endpoint: sends a request head, reads the answer strictly, and tells the exchange that has it now.
 * Reads land in a buffer of the connection's own (net's `onread`), which is handed to the client's socket as it is and
 * replaced only when that socket could not write it at once. What is small is copied where it would have to wait.
 */
import type { Socket } from "node:net";
import { Deadline, type Clock, type Milliseconds } from "@outrigger/core";
import { isNoSocket, type Endpoint } from "@outrigger/upstream";
import { BodyReader } from "../codec/body-reader.ts";
import { HeadBuffer } from "../codec/head-buffer.ts";
import type { Framing } from "../codec/framing.ts";
import { NEED_MORE, type Head } from "../codec/head.ts";
import type { Violation } from "../codec/violation.ts";
import { MAX_COPIED_BYTES, MAX_UNSENT_BYTES, READ_BUFFER_BYTES } from "./unsent.ts";
import type { Http1Metrics } from "./http1-metrics.ts";
import type { Settings } from "./settings.ts";
import type { PendingWriter, TurnWrites } from "./turn-writes.ts";

/** 1xx answers that may come before the final one. */
const MAX_INTERIM_ANSWERS = 16;

/**
 * Why an attempt gave no answer. `stale`: a connection that had served before closed before the first byte of the
 * answer, as a server does that tires of an idle connection just then.
 */
export type AttemptFailure =
  | "connect-failure"
  | "connect-timeout"
  | "stale"
  | "reset"
  | "try-timeout"
  | "bad-answer"
  /** This process or machine has no socket left: nothing against the endpoint. */
  | "no-socket";

/** Who asked, and gets the answer: an exchange. The head that is meant stands in the home's scratch head. */
export interface AnswerReceiver {
  readonly isHead: boolean;
  readonly wantsUpgrade: boolean;
  attemptReady(connection: UpstreamConnection): void;
  attemptFailed(connection: UpstreamConnection, failure: AttemptFailure, detail: string): void;
  /** A 1xx answer, whose head ends at `past`. */
  interimAnswer(past: number): void;
  /** Returns the offset up to which the bytes from bodyStart on were used. `now`: when they were read. */
  answerBegins(
    connection: UpstreamConnection,
    past: number,
    bytes: Buffer,
    bodyStart: number,
    end: number,
    now: Milliseconds,
  ): number;
  answerContinues(
    connection: UpstreamConnection,
    bytes: Buffer,
    start: number,
    end: number,
    now: Milliseconds,
  ): number;
  answerEnds(connection: UpstreamConnection, now: Milliseconds): void;
  upstreamDrained(connection: UpstreamConnection): void;
}

/** What takes the bytes after a switch of protocols. */
export interface TunnelEnd {
  fromUpstream(bytes: Buffer, start: number, end: number): void;
  upstreamDrained(): void;
  upstreamEnded(): void;
  upstreamClosed(): boolean;
  broke(): void;
}

/** Where the connection belongs: the pool. */
export interface ConnectionHome {
  readonly clock: Clock;
  readonly metrics: Http1Metrics;
  readonly head: Head;
  readonly framing: Framing;
  readonly writes: TurnWrites;
  gone(connection: UpstreamConnection): void;
  /** A connection can be used. */
  opened(connection: UpstreamConnection): void;
  /** A connection was upgraded: it carries no request any more. */
  tunnelOpened(connection: UpstreamConnection): void;
  /** No socket could be had for a connection. */
  gotNoSocket(detail: string): void;
}

type State = "connecting" | "idle" | "head" | "body" | "answered" | "tunnel" | "closed";

/** Nobody listens there, or nobody that lives: what a restart mends, as it does not mend a certificate or a name. */
const ABSENT: ReadonlySet<unknown> = new Set([
  "ECONNREFUSED",
  "ECONNRESET",
  "EHOSTUNREACH",
  "ENETUNREACH",
  "ETIMEDOUT",
]);

export class UpstreamConnection implements PendingWriter {
  readonly endpoint: Endpoint;
  /** Those of the request that has it, or had it last. */
  settings: Settings;
  socket!: Socket;
  state: State = "connecting";
  /** Who uses it now; null while idle. */
  exchange: AnswerReceiver | null = null;
  tunnel: TunnelEnd | null = null;
  readonly body = new BodyReader();
  /** A byte of the current request was handed to the kernel. */
  wrote = false;
  /** Its end gives a socket back. */
  hadSocket = true;
  /** It did not open because nobody answered at its address. */
  absent = false;
  /** It was upgraded. */
  isTunnel = false;
  /** It could be used, once. */
  hadOpened = false;
  /** How many answers it has given. */
  served = 0;
  /** The current attempt: when it began, and how long its head took. */
  attemptAt: Milliseconds = 0;
  latency: Milliseconds = 0;
  /** How the current attempt was paid for; the retry policy is told when it ends. */
  retryKind: "first" | "charged" | "free" = "first";
  /** The answer's sender will take another request. */
  keepAlive = true;
  /** While idle: since when, and until when a request may still be put on it. */
  idleSince: Milliseconds = 0;
  reuseUntil: Milliseconds = 0;
  /** Kept by the endpoint's own hint instead of the configured span, in milliseconds; -1 without one. */
  hintedIdle: Milliseconds = -1;

  readonly #pool: ConnectionHome;
  readonly #deadline: Deadline<UpstreamConnection> = new Deadline<UpstreamConnection>(this);
  #partialHead: HeadBuffer | null = null;
  #interimAnswers = 0;
  #buffer: Buffer | null = null;
  /** Bytes just read were handed out where they stand. */
  #lent = false;
  /** A request's head (and small body) that waits for the end of the turn. */
  #unsent: string | null = null;
  #paused = false;

  constructor(pool: ConnectionHome, endpoint: Endpoint, settings: Settings) {
    this.#pool = pool;
    this.endpoint = endpoint;
    this.settings = settings;
  }

  /** The buffer that the next read goes into. */
  readBuffer(): Buffer {
    return (this.#buffer ??= Buffer.allocUnsafeSlow(READ_BUFFER_BYTES));
  }

  /**
   * What another socket is to write of the bytes just read: these as they stand, or a copy with a char per byte (latin1).
   * @param waits the socket has unsent bytes, which these will wait behind; to be asked before it is corked
   */
  lend(bytes: Buffer, start: number, end: number, waits: boolean): Buffer | string {
    if (waits && end - start <= MAX_COPIED_BYTES) return bytes.toString("latin1", start, end);
    this.#lent = true;
    return bytes.subarray(start, end);
  }

  /** The other socket could not write all at once: if any was lent to it as it stands, the next read needs another buffer. */
  giveBufferAway(): void {
    if (this.#lent) this.#buffer = null;
  }

  /** Wires the socket; the pool has just opened it. */
  attach(socket: Socket, readyEvent: "connect" | "secureConnect"): void {
    this.socket = socket;
    socket.once(readyEvent, () => this.#ready());
    socket.on("drain", () => this.#drained());
    socket.on("end", () => this.#ended());
    socket.on("error", (error) => {
      if (this.state === "connecting") this.absent = "code" in error && ABSENT.has(error.code);
      if (this.state === "connecting" && isNoSocket(error)) this.#lacksSocket(error.message);
      else this.#broke(error.message);
    });
    socket.on("close", () => this.#closed());
    this.settings.connects.arm(this.#deadline);
  }

  /** Sends a request's head (with what body there is already) and expects an answer. */
  send(text: string, now: Milliseconds): void {
    this.state = "head";
    this.wrote = true;
    this.keepAlive = true;
    this.#interimAnswers = 0;
    if (this.settings.tries.span > 0) this.settings.tries.arm(this.#deadline, now);
    const { writes } = this.#pool;
    if (writes.worthwhile(this.settings.upstream.active)) {
      this.#unsent = text;
      writes.add(this);
    } else {
      this.socket.write(text, "latin1");
    }
  }

  flush(): void {
    const text = this.#unsent;
    if (text === null) return;
    this.#unsent = null;
    this.socket.write(text, "latin1");
  }

  /** Sends body bytes. Returns false when the socket is full: wait for `upstreamDrained`. */
  write(bytes: Uint8Array): boolean {
    if (this.#unsent !== null) this.flush();
    this.socket.write(bytes);
    return !this.isFull;
  }

  get isFull(): boolean {
    return this.socket.writableLength > MAX_UNSENT_BYTES;
  }

  pause(): void {
    if (this.#paused) return;
    this.#paused = true;
    this.socket.pause();
  }

  resume(): void {
    if (!this.#paused) return;
    this.#paused = false;
    this.socket.resume();
  }

  /** The attempt is over and its connection may serve another; see ConnectionPool.release. */
  becomeIdle(now: Milliseconds, reuseUntil: Milliseconds): void {
    this.state = "idle";
    this.exchange = null;
    this.idleSince = now;
    this.reuseUntil = reuseUntil;
    this.wrote = false;
    this.resume();
  }

  /** The answer was read to its end and thrown away. */
  answerDiscarded(): void {
    this.served++;
    this.state = "answered";
  }

  /** The answer switched protocols: from here on bytes go to the tunnel. */
  becomeTunnel(tunnel: TunnelEnd): void {
    this.state = "tunnel";
    this.exchange = null;
    this.tunnel = tunnel;
    this.isTunnel = true;
    this.#pool.tunnelOpened(this);
  }

  /** Ends it at once, telling nobody. */
  destroy(): void {
    if (this.state === "closed") return;
    this.state = "closed";
    this.exchange = null;
    this.tunnel = null;
    this.#unsent = null;
    this.#disarm();
    this.socket.destroy();
    this.#pool.gone(this);
  }

  /** net's onread callback: `length` bytes stand in the read buffer. */
  received(length: number): void {
    const bytes = this.#buffer as Buffer;
    this.#lent = false;
    // Read once for all that these bytes bring about.
    const now = this.#pool.clock.now();
    let at = 0;
    while (at < length) {
      switch (this.state) {
        case "head":
          at = this.#readHead(bytes, at, length, now);
          break;
        case "body":
          at = this.#readBody(bytes, at, length, now);
          break;
        case "tunnel":
          this.tunnel?.fromUpstream(bytes, at, length);
          return;
        case "closed":
          return;
        default:
          // Nothing was asked: what comes could only be taken for the answer to the next request.
          this.#pool.metrics.refused("upstream", "unexpected-answer");
          this.#failOrDestroy();
          return;
      }
    }
  }

  connectTimedOut(): void {
    this.#pool.metrics.timedOut("connect");
    this.absent = true;
    this.#fail("connect-timeout", `no connection within ${this.settings.options.connectTimeout} ms`);
  }

  tryTimedOut(): void {
    this.#pool.metrics.timedOut("try");
    this.#fail("try-timeout", `no answer within ${this.settings.options.perTryTimeout} ms`);
  }

  #readHead(bytes: Buffer, at: number, end: number, now: Milliseconds): number {
    const { head } = this.#pool;
    let past: number;
    let source = bytes;
    const partial = this.#partialHead;
    if (partial === null) {
      past = head.readResponse(bytes, at, end);
      if (past === NEED_MORE) {
        this.#partialHead = new HeadBuffer();
        this.#partialHead.add(bytes, at, end, head.limits.maxBytes);
        return end;
      }
    } else {
      const before = partial.length;
      if (!partial.add(bytes, at, end, head.limits.maxBytes)) return end;
      source = partial.bytes;
      past = head.readResponse(source, 0, source.length);
      if (past === NEED_MORE) return end;
      this.#partialHead = null;
      if (past >= 0) at += past - before;
    }
    if (past < 0) return this.#refuse(head.violation as Violation, end);
    const bodyStart = partial === null ? past : at;
    const exchange = this.exchange as AnswerReceiver;
    const framing = this.#pool.framing;
    const violation = framing.ofResponse(head, exchange.isHead);
    if (violation) return this.#refuse(violation, end);

    if (head.status < 200 && head.status !== 101) {
      if (++this.#interimAnswers > MAX_INTERIM_ANSWERS) return this.#refuse("too-many-interim-answers", end);
      exchange.interimAnswer(past);
      return bodyStart;
    }
    if (head.status === 101 && !exchange.wantsUpgrade) return this.#refuse("unexpected-upgrade", end);
    this.#disarm();
    this.keepAlive = framing.keepAlive;
    if (framing.keepAliveSeconds >= 0) this.hintedIdle = framing.keepAliveSeconds * 1000;
    this.body.begin(framing.body, framing.length);
    this.state = "body";
    const bodyEnd = exchange.answerBegins(this, past, bytes, bodyStart, end, now);
    return this.#afterBody(bodyEnd, end, now);
  }

  #readBody(bytes: Buffer, at: number, end: number, now: Milliseconds): number {
    const past = (this.exchange as AnswerReceiver).answerContinues(this, bytes, at, end, now);
    return this.#afterBody(past, end, now);
  }

  #afterBody(past: number, end: number, now: Milliseconds): number {
    if (this.state !== "body") return past;
    if (this.body.violation) return this.#refuse(this.body.violation, end);
    if (this.body.done) this.#answered(past < end, now);
    return past;
  }

  #answered(surplus: boolean, now: Milliseconds): void {
    if (surplus) {
      this.keepAlive = false;
      this.#pool.metrics.refused("upstream", "unexpected-answer");
    }
    this.served++;
    this.state = "answered";
    (this.exchange as AnswerReceiver).answerEnds(this, now);
  }

  #refuse(violation: Violation, end: number): number {
    this.#pool.metrics.refused("upstream", violation);
    this.#fail("bad-answer", violation);
    return end;
  }

  #ready(): void {
    if (this.state !== "connecting") return;
    this.#disarm();
    this.state = "idle";
    this.hadOpened = true;
    this.exchange?.attemptReady(this);
    this.#pool.opened(this);
  }

  #drained(): void {
    if (this.tunnel) this.tunnel.upstreamDrained();
    else this.exchange?.upstreamDrained(this);
  }

  /** The endpoint closed its side. */
  #ended(): void {
    if (this.tunnel) {
      this.tunnel.upstreamEnded();
      return;
    }
    if (this.state === "body" && this.body.finish()) {
      this.keepAlive = false;
      this.#answered(false, this.#pool.clock.now());
      return;
    }
    this.#broke("the endpoint closed the connection");
  }

  #broke(detail: string): void {
    if (this.tunnel) {
      this.tunnel.broke();
      return;
    }
    if (this.state === "connecting") this.#fail("connect-failure", detail);
    else if (
      this.state === "head" &&
      this.served > 0 &&
      this.#partialHead === null &&
      this.#interimAnswers === 0
    )
      this.#fail("stale", detail);
    else this.#fail("reset", detail);
  }

  #lacksSocket(detail: string): void {
    this.hadSocket = false;
    this.#pool.gotNoSocket(detail);
    this.#fail("no-socket", detail);
  }

  #closed(): void {
    if (this.state === "closed" || this.tunnel?.upstreamClosed() === true) return;
    this.#broke("the connection closed");
  }

  #failOrDestroy(): void {
    if (this.exchange) this.#fail("bad-answer", "unexpected-answer");
    else this.destroy();
  }

  #fail(failure: AttemptFailure, detail: string): void {
    if (this.state === "closed") return;
    const exchange = this.exchange;
    // It waited for the end of the turn, which did not come: no byte went out.
    if (this.#unsent !== null) this.wrote = false;
    this.destroy();
    exchange?.attemptFailed(this, failure, detail);
  }

  #disarm(): void {
    this.#deadline.queue?.disarm(this.#deadline);
    this.#partialHead = null;
  }
}
