/**
 * One request on its way: picks an endpoint, sends, waits, tries again where that is safe, and hands the first answer's
 * bytes to the client. A client connection has one Exchange and uses it for each of its requests in turn.
 *
 * What is sent again: a request of which no byte was handed to the kernel, whatever its method; and, within the retry
 * budget, an idempotent one (RFC 9110 section 9.2.2) whose body can be repeated, as long as no byte of an answer has
 * reached the client. A POST of which a byte was sent is never sent again.
 */
import { Deadline, type Milliseconds, type Timer } from "@outrigger/core";
import type { Endpoint, Outcome } from "@outrigger/upstream";
import type { Framing } from "../codec/framing.ts";
import type { Head } from "../codec/head.ts";
import { rewriteRequest, rewriteResponse } from "../codec/rewrite.ts";
import type { ClientConnection } from "./client-connection.ts";
import type { Reply } from "./reply.ts";
import type { Settings } from "./settings.ts";
import type { AttemptFailure, UpstreamConnection } from "./upstream-connection.ts";

/** Head and body up to this size go to the kernel as one string, which it copies: no buffer is tied up. */
const ONE_WRITE_BYTES = 16 * 1024;

const IDEMPOTENT: ReadonlySet<string> = new Set(["GET", "HEAD", "OPTIONS", "TRACE", "PUT", "DELETE"]);

const OUTCOME_OF_FAILURE: Readonly<Record<AttemptFailure, Outcome>> = {
  "connect-failure": "connect-failure",
  "connect-timeout": "connect-failure",
  // An endpoint may close an idle connection when it likes: that says nothing against it.
  stale: "cancelled",
  reset: "reset",
  "try-timeout": "timeout",
  "bad-answer": "reset",
};

const LAST_CHUNK = "0\r\n\r\n";

export class Exchange {
  readonly client: ClientConnection;
  isHead = false;
  wantsUpgrade = false;
  /** For the access log: the head as it was sent on. */
  headText = "";
  attempts = 0;
  /** The key of the endpoint that answered, or that was tried last. */
  endpointKey = "";
  status = 0;

  #settings!: Settings;
  #active = false;
  #idempotent = false;
  #minorVersion = 1;
  #startedAt: Milliseconds = 0;

  /** Body bytes that the next attempt must send first. */
  #held: Buffer[] = [];
  #heldBytes = 0;
  /** Body bytes have been sent and forgotten: no attempt can begin anew. */
  #bodyGone = false;
  #requestDone = true;

  #first: UpstreamConnection | null = null;
  #hedge: UpstreamConnection | null = null;
  /** The attempt whose answer goes to the client. */
  #answering: UpstreamConnection | null = null;
  #answerDone = false;
  #chunking: "as-is" | "add" | "remove" = "as-is";
  #tried: Endpoint[] = [];
  #retries = 0;
  #freeRetries = 0;
  #nextRetry: "first" | "charged" | "free" = "first";
  #lastFailure: AttemptFailure | "status" | null = null;
  #lastDetail = "";
  #timer: Timer | null = null;
  #waiting = false;
  readonly #stall: Deadline<Exchange> = new Deadline<Exchange>(this);
  readonly #overall: Deadline<Exchange> = new Deadline<Exchange>(this);

  constructor(client: ClientConnection) {
    this.client = client;
  }

  get active(): boolean {
    return this.#active;
  }

  get startedAt(): Milliseconds {
    return this.#startedAt;
  }

  get lastFailure(): string | null {
    return this.#lastFailure;
  }

  /**
   * Takes on the request whose head stands in `head`. `body` is what came of its body with the head, `done` whether that
   * is all of it. The answer may be written before this returns.
   */
  begin(
    settings: Settings,
    head: Head,
    past: number,
    framing: Framing,
    target: string | null,
    body: Buffer | null,
    done: boolean,
    now: Milliseconds,
  ): void {
    const method = head.text(head.start, head.methodEnd);
    this.#settings = settings;
    this.#active = true;
    this.#startedAt = now;
    this.#minorVersion = head.minorVersion;
    this.isHead = method === "HEAD";
    this.#idempotent = IDEMPOTENT.has(method);
    // An upgrade is asked for without a body, and never to h2c: its frames would pass the strict parser unread.
    if (framing.upgrade && (framing.body !== "none" || this.client.asksForH2c(head))) framing.upgrade = false;
    this.wantsUpgrade = framing.upgrade;
    this.headText = rewriteRequest(head, past, framing, this.client.rewrite, target);
    this.#requestDone = done;
    this.#bodyGone = false;
    if (body !== null) {
      this.#held.push(body);
      this.#heldBytes = body.length;
    }
    this.attempts = 0;
    this.status = 0;
    this.endpointKey = "";
    this.#answerDone = false;
    this.#retries = this.#freeRetries = 0;
    this.#nextRetry = "first";
    this.#lastFailure = null;
    this.#lastDetail = "";

    const rejection = settings.upstream.admit(now);
    if (rejection !== null) {
      this.#active = false;
      this.#reply(
        rejection === "rate-limited"
          ? {
              status: 429,
              code: rejection,
              message: `the rate limit of this route is reached; try again in a second`,
              retryAfterSeconds: 1,
            }
          : {
              status: 503,
              code: rejection,
              message: "as many requests as this route allows (maxRequests) are already being answered",
              retryAfterSeconds: 1,
            },
      );
      return;
    }
    if (settings.stalls.span > 0) settings.stalls.arm(this.#stall, now);
    if (settings.overall.span > 0) settings.overall.arm(this.#overall, now);
    this.#attempt(now);
  }

  /** A place for a connection is free: the request at the head of the line goes on. */
  placeIsFree(): void {
    this.#waiting = false;
    this.#settings.upstream.limits.unpend();
    if (this.#active) this.#attempt(this.client.clock.now());
  }

  /** The connection that this attempt waited for is open. */
  attemptReady(connection: UpstreamConnection): void {
    this.#send(connection, this.client.clock.now());
  }

  attemptFailed(connection: UpstreamConnection, failure: AttemptFailure, detail: string): void {
    this.#detach(connection, OUTCOME_OF_FAILURE[failure]);
    if (!this.#active) return;
    if (this.#answering === connection) {
      this.#answering = null;
      if (this.#answerDone) this.#finishUnread();
      else {
        // The client has part of an answer: the only honest end is one that it can see.
        this.client.metrics.truncated();
        this.#over();
        this.client.destroy();
      }
      return;
    }
    this.#lastFailure = failure;
    this.#lastDetail = `${connection.endpoint.key}: ${detail}`;
    if (this.#first !== null || this.#hedge !== null) return; // the other attempt is still running
    const now = this.client.clock.now();
    if (this.#mayRetry(!connection.wrote, failure)) this.#retry(failure, now);
    else this.#giveUp();
  }

  interimAnswer(connection: UpstreamConnection, past: number): void {
    this.#progress();
    if (this.#minorVersion === 0 || this.#hedge !== null) return;
    const { head, framing } = this.client.listener.pool;
    this.client.writeText(
      rewriteResponse(head, past, framing, { connection: "", chunking: "as-is", added: "" }),
    );
    // What the client does on "100 Continue" cannot be undone by another attempt's refusal.
    if (connection.wrote) this.#idempotent = this.#idempotent && this.#requestDone;
  }

  /**
   * The final answer's head is in the pool's scratch head; its body begins at bodyStart in `bytes`. Forwards both, unless
   * the request is tried elsewhere. Returns the offset up to which the bytes were used.
   */
  answerBegins(
    connection: UpstreamConnection,
    past: number,
    bytes: Buffer,
    bodyStart: number,
    end: number,
  ): number {
    const { head, framing } = this.client.listener.pool;
    const { body } = connection;
    const now = this.client.clock.now();
    connection.latency = now - connection.attemptAt;
    if (
      this.#settings.options.retryStatuses.has(head.status) &&
      this.#triesElsewhere(connection, framing.hasRetryAfter)
    ) {
      return this.#discardAnswer(connection, bytes, bodyStart, end, now);
    }
    this.#dropOther(connection);
    this.#answering = connection;
    this.status = head.status;
    this.endpointKey = connection.endpoint.key;
    this.#progress(now);
    if (head.status === 101) {
      this.#tunnel(connection, past, bytes, bodyStart, end);
      return end;
    }
    const old = this.#minorVersion === 0;
    this.#chunking =
      body.kind === "close" && !old ? "add" : body.kind === "chunked" && old ? "remove" : "as-is";
    const lengthUnknown = old && (body.kind === "close" || body.kind === "chunked");
    // An endpoint that answers early and closes will not read the rest of the request: nor can the client go on.
    if (lengthUnknown || (!this.#requestDone && !connection.keepAlive)) this.client.keepAlive = false;
    const keepAlive = this.client.keepAlive && !this.client.listener.draining;
    if (!keepAlive) this.client.keepAlive = false;
    const text = rewriteResponse(head, past, framing, {
      connection: keepAlive ? (old ? "keep-alive" : "") : "close",
      chunking: this.#chunking,
      added: this.#settings.options.explain ? this.#explanation() : "",
    });
    if (this.#chunking !== "as-is") {
      this.client.writeText(text);
      return this.#forward(connection, bytes, bodyStart, end);
    }
    const bodyEnd = body.read(bytes, bodyStart, end);
    if (body.violation) return bodyEnd;
    const length = bodyEnd - bodyStart;
    if (length === 0) this.client.writeText(text);
    else if (text.length + length <= ONE_WRITE_BYTES) {
      this.client.writeText(text + bytes.toString("latin1", bodyStart, bodyEnd));
      this.client.metrics.bytesToClients.inc(length);
    } else {
      this.client.cork();
      this.client.writeText(text);
      this.#writeBody(connection, bytes, bodyStart, bodyEnd);
      this.client.uncork();
      this.#holdBack(connection);
    }
    return bodyEnd;
  }

  /** More of the answer's body stands at start..end. Returns the offset up to which it was the body. */
  answerContinues(connection: UpstreamConnection, bytes: Buffer, start: number, end: number): number {
    this.#progress();
    return this.#forward(connection, bytes, start, end);
  }

  answerEnds(connection: UpstreamConnection): void {
    if (this.#answering !== connection) return;
    if (this.#chunking === "add") this.client.writeText(LAST_CHUNK);
    this.#answerDone = true;
    if (this.#requestDone) this.#finish(connection);
    else if (!connection.keepAlive) {
      this.#answering = null;
      connection.destroy();
      this.#detach(connection, this.#outcomeOfStatus());
      this.#finishUnread();
    }
    // Otherwise the endpoint still reads: the connection is held until the request's body is done.
  }

  /** Body bytes from the client. */
  requestBody(bytes: Buffer, start: number, end: number, done: boolean): void {
    this.#requestDone = done;
    this.#progress();
    this.client.metrics.bytesFromClients.inc(end - start);
    const sendingTo = this.#answering ?? this.#first;
    const piece = bytes.subarray(start, end);
    if (sendingTo === null || !sendingTo.wrote) {
      this.#held.push(piece);
      this.#heldBytes += piece.length;
      if (!done) this.client.pause();
      return;
    }
    this.#remember(piece);
    if (!sendingTo.write(piece)) this.client.pause();
    if (done && this.#answerDone) this.#finish(sendingTo);
  }

  clientDrained(): void {
    this.#progress();
    this.#answering?.resume();
  }

  upstreamDrained(connection: UpstreamConnection): void {
    if (connection !== (this.#answering ?? this.#first)) return;
    this.#progress();
    this.client.resume();
  }

  /** The client has left, or broken the protocol: nobody waits for the answer. */
  abandon(): void {
    if (!this.#active) return;
    this.client.metrics.clientClosed();
    this.#over();
  }

  timedOut(kind: "stalled" | "overall"): void {
    if (!this.#active) return;
    this.client.metrics.timedOut(kind);
    const started = this.#answering !== null;
    const endpoint = this.#first?.endpoint.key ?? this.endpointKey;
    // A reader that has stopped says nothing against the endpoint.
    this.#over(started ? "cancelled" : "timeout");
    if (started) {
      this.client.metrics.truncated();
      this.client.destroy();
      return;
    }
    const { timeout, stallTimeout } = this.#settings.options;
    const what =
      kind === "overall" ? `no whole answer within ${timeout} ms` : `nothing moved for ${stallTimeout} ms`;
    this.#reply({
      status: 504,
      code: kind === "overall" ? "timeout" : "stalled",
      message: `${what}${endpoint === "" ? "" : ` (last endpoint: ${endpoint})`}`,
    });
  }

  #attempt(now: Milliseconds): void {
    const { upstream } = this.#settings;
    const endpoint = upstream.pick(now, this.#tried);
    if (endpoint === null) {
      this.#over();
      this.#reply({
        status: 503,
        code: "no-endpoint",
        message: `upstream ${upstream.name} has no endpoint; see its discovery and health on the control server's /explain`,
      });
      return;
    }
    const connection = this.#connect(endpoint, now);
    if (connection === null) {
      if (this.client.listener.pool.wait(this, this.#settings)) {
        this.#waiting = true;
        if (!this.#requestDone) this.client.pause();
        return;
      }
      this.#over();
      this.#reply({
        status: 503,
        code: "max-pending",
        message: `all connections to ${upstream.name} are busy (maxConnections) and the line is full (maxPending)`,
        retryAfterSeconds: 1,
      });
      return;
    }
    this.#first = connection;
    if (connection.state === "idle") this.#send(connection, now);
    else if (!this.#requestDone) this.client.pause();
    if (
      this.attempts === 1 &&
      this.#idempotent &&
      this.#requestDone &&
      !this.wantsUpgrade &&
      this.#held.length === 0
    )
      this.#scheduleHedge();
  }

  /** An idle or a new connection, booked as an attempt; null when the endpoint's connections are all busy. */
  #connect(endpoint: Endpoint, now: Milliseconds): UpstreamConnection | null {
    const { pool } = this.client.listener;
    const connection =
      pool.takeIdle(endpoint, this.#settings, this.#idempotent && !this.#bodyGone, now) ??
      pool.open(endpoint, this.#settings);
    if (connection === null) return null;
    connection.exchange = this;
    connection.attemptAt = now;
    connection.latency = 0;
    connection.retryKind = this.#nextRetry;
    this.#nextRetry = "first";
    this.#settings.upstream.started(endpoint);
    this.#tried.push(endpoint);
    this.endpointKey = endpoint.key;
    this.attempts++;
    return connection;
  }

  #send(connection: UpstreamConnection, now: Milliseconds): void {
    const held = this.#held;
    if (held.length === 0) {
      connection.send(this.headText, now);
    } else if (this.headText.length + this.#heldBytes <= ONE_WRITE_BYTES) {
      let text = this.headText;
      for (const piece of held) text += piece.toString("latin1");
      connection.send(text, now);
      this.#afterHeld();
    } else {
      connection.socket.cork();
      connection.send(this.headText, now);
      for (const piece of held) connection.write(piece);
      connection.socket.uncork();
      this.#afterHeld();
    }
    if (this.#requestDone) return;
    if (connection.socket.writableNeedDrain) this.client.pause();
    else this.client.resume();
  }

  /** What was held has been sent: keep it for a retry where the options allow, else let it go. */
  #afterHeld(): void {
    if (this.#idempotent && this.#heldBytes <= this.#settings.options.retryBodyBytes) return;
    this.#forgetBody();
  }

  #remember(piece: Buffer): void {
    if (this.#bodyGone) return;
    if (this.#idempotent && this.#heldBytes + piece.length <= this.#settings.options.retryBodyBytes) {
      this.#held.push(piece);
      this.#heldBytes += piece.length;
    } else {
      this.#forgetBody();
    }
  }

  #forgetBody(): void {
    this.#bodyGone = true;
    this.#held = [];
    this.#heldBytes = 0;
  }

  #mayRetry(free: boolean, failure: AttemptFailure): boolean {
    const { retry, endpoints } = this.#settings.upstream;
    if (!free && (!this.#idempotent || this.#bodyGone)) return false;
    // The first stale connection is nobody's fault: it is not charged to the budget, so that a restart costs no request.
    if (free || (failure === "stale" && this.#freeRetries === 0)) {
      if (this.#freeRetries >= retry.maxRetries + endpoints.length || !retry.take(true)) return false;
      this.#freeRetries++;
      this.#nextRetry = "free";
      return true;
    }
    if (this.#retries >= retry.maxRetries || !retry.take(false)) return false;
    this.#retries++;
    this.#nextRetry = "charged";
    return true;
  }

  #retry(reason: AttemptFailure | "status", now: Milliseconds): void {
    this.client.metrics.retried(reason);
    // Another endpoint is asked at once; the same ones again only after a pause.
    const { upstream } = this.#settings;
    const triedAll = upstream.endpoints.length <= this.#tried.length;
    const pause = triedAll ? upstream.retry.backoff(this.#tried.length - upstream.endpoints.length + 1) : 0;
    if (pause <= 0) {
      this.#attempt(now);
      return;
    }
    this.#stopTimer();
    this.#timer = this.client.clock.timer(pause, () => {
      this.#timer = null;
      this.#attempt(this.client.clock.now());
    });
  }

  /** Whether an answer with a retryable status is dropped in favour of another attempt. */
  #triesElsewhere(connection: UpstreamConnection, retryAfter: boolean): boolean {
    if (!this.#idempotent || this.#bodyGone || !this.#requestDone || this.wantsUpgrade) return false;
    if (this.#other(connection) !== null) return true;
    // Retry-After says: not here, not now. Another endpoint may be asked; this one may not.
    if (retryAfter && this.#settings.upstream.endpoints.every((endpoint) => this.#tried.includes(endpoint)))
      return false;
    return this.#mayRetry(false, "bad-answer");
  }

  #discardAnswer(
    connection: UpstreamConnection,
    bytes: Buffer,
    bodyStart: number,
    end: number,
    now: Milliseconds,
  ): number {
    const bodyEnd = connection.body.read(bytes, bodyStart, end);
    const reusable =
      connection.body.done && !connection.body.violation && bodyEnd === end && connection.keepAlive;
    this.#lastFailure = "status";
    this.#lastDetail = `${connection.endpoint.key}: a retryable status`;
    if (reusable) {
      connection.served++;
      connection.state = "answered";
      this.#detach(connection, "server-error");
      this.client.listener.pool.release(connection);
    } else {
      connection.destroy();
      this.#detach(connection, "server-error");
    }
    if (this.#first === null && this.#hedge === null) this.#retry("status", now);
    return end;
  }

  #scheduleHedge(): void {
    const delay = this.#settings.upstream.hedge.delay();
    if (delay === Infinity) return;
    this.#timer = this.client.clock.timer(delay, () => {
      this.#timer = null;
      this.#startHedge();
    });
  }

  #startHedge(): void {
    if (!this.#active || this.#answering !== null || this.#first === null || this.#hedge !== null) return;
    const { upstream } = this.#settings;
    const now = this.client.clock.now();
    const endpoint = upstream.pick(now, this.#tried);
    if (endpoint === null || this.#tried.includes(endpoint) || !upstream.hedge.take()) return;
    this.#hedge = this.#connect(endpoint, now);
    if (this.#hedge?.state === "idle") this.#send(this.#hedge, now);
  }

  #other(connection: UpstreamConnection): UpstreamConnection | null {
    return connection === this.#first ? this.#hedge : this.#first;
  }

  /** This attempt answers: the other one is not needed any more. */
  #dropOther(connection: UpstreamConnection): void {
    this.#stopTimer();
    const other = this.#other(connection);
    if (other === null) return;
    other.destroy();
    this.#detach(other, "cancelled");
  }

  #forward(connection: UpstreamConnection, bytes: Buffer, start: number, end: number): number {
    const { body } = connection;
    let past: number;
    if (this.#chunking === "as-is") {
      past = body.read(bytes, start, end);
      if (!body.violation) this.#writeBody(connection, bytes, start, past);
    } else if (this.#chunking === "add") {
      past = end;
      this.client.cork();
      this.client.writeText(`${(end - start).toString(16)}\r\n`);
      this.#writeBody(connection, bytes, start, end);
      this.client.writeText("\r\n");
      this.client.uncork();
    } else {
      this.client.cork();
      past = body.read(bytes, start, end, (dataStart, dataEnd) =>
        this.#writeBody(connection, bytes, dataStart, dataEnd),
      );
      this.client.uncork();
    }
    this.#holdBack(connection);
    return past;
  }

  #writeBody(connection: UpstreamConnection, bytes: Buffer, start: number, end: number): void {
    if (end === start) return;
    this.client.writeBytes(bytes.subarray(start, end));
    this.client.metrics.bytesToClients.inc(end - start);
    if (this.client.hasUnsentBytes) connection.giveBufferAway();
  }

  /** After a write: the read buffer stays with the client's socket if that is still sending, and a full socket pauses us. */
  #holdBack(connection: UpstreamConnection): void {
    if (this.client.hasUnsentBytes) connection.giveBufferAway();
    if (this.client.isFull) connection.pause();
  }

  #tunnel(connection: UpstreamConnection, past: number, bytes: Buffer, bodyStart: number, end: number): void {
    const { head, framing } = this.client.listener.pool;
    const text = rewriteResponse(head, past, framing, {
      connection: "upgrade",
      chunking: "as-is",
      added: this.#settings.options.explain ? this.#explanation() : "",
    });
    this.#settings.stalls.disarm(this.#stall);
    this.#settings.overall.disarm(this.#overall);
    connection.state = "tunnel";
    this.client.writeText(text);
    const tunnel = this.client.openTunnel(connection, this.#settings, () => {
      this.#answering = null;
      this.#detach(connection, "success");
      this.#over();
    });
    connection.exchange = null;
    connection.tunnel = tunnel;
    this.client.metrics.finished(101, (this.client.clock.now() - this.#startedAt) / 1000);
    if (end > bodyStart) tunnel.fromUpstream(bytes, bodyStart, end);
  }

  /** Request and answer are whole. */
  #finish(connection: UpstreamConnection): void {
    this.#answering = null;
    this.#detach(connection, this.#outcomeOfStatus());
    this.client.listener.pool.release(connection);
    this.#settle();
    this.client.exchangeDone(true);
  }

  /** The answer is whole, the request is not, and nobody reads it any more. */
  #finishUnread(): void {
    this.#settle();
    this.client.exchangeDone(false);
  }

  #settle(): void {
    const now = this.client.clock.now();
    this.client.metrics.finished(this.status, (now - this.#startedAt) / 1000);
    this.client.logAccess(now);
    this.#over();
  }

  #giveUp(): void {
    const failure = this.#lastFailure ?? "reset";
    const detail = this.#lastDetail;
    this.#over();
    const timedOut = failure === "try-timeout";
    this.#reply({
      status: timedOut ? 504 : 502,
      code: failure,
      message: `no answer after ${this.attempts} attempt${this.attempts === 1 ? "" : "s"}; ${detail}`,
    });
  }

  #reply(reply: Reply): void {
    this.status = reply.status;
    this.client.metrics.finished(reply.status, (this.client.clock.now() - this.#startedAt) / 1000);
    this.client.reply(
      reply,
      this.#requestDone,
      this.isHead,
      this.#settings.options.explain ? this.#explanation() : "",
    );
  }

  #explanation(): string {
    const reason = this.#lastFailure === null ? "" : `x-outrigger-reason: ${this.#lastFailure}\r\n`;
    const endpoint = this.endpointKey === "" ? "" : `x-outrigger-endpoint: ${this.endpointKey}\r\n`;
    return `${endpoint}x-outrigger-attempts: ${this.attempts}\r\n${reason}`;
  }

  #outcomeOfStatus(): Outcome {
    return this.status >= 500 ? "server-error" : "success";
  }

  /** Books the end of an attempt. The connection is left to the caller. */
  #detach(connection: UpstreamConnection, outcome: Outcome): void {
    if (this.#first === connection) this.#first = null;
    else if (this.#hedge === connection) this.#hedge = null;
    else return;
    const now = this.client.clock.now();
    const { upstream } = this.#settings;
    const latency = connection.latency > 0 ? connection.latency : now - connection.attemptAt;
    if (connection.retryKind !== "first") upstream.retry.done(connection.retryKind === "free");
    connection.retryKind = "first";
    upstream.ended(connection.endpoint, outcome, latency, now);
  }

  /** Ends whatever runs and becomes ready for the next request. */
  #over(outcome: Outcome = "cancelled"): void {
    if (!this.#active) return;
    this.#active = false;
    this.#stopTimer();
    const settings = this.#settings;
    for (const connection of [this.#first, this.#hedge]) {
      if (connection === null) continue;
      connection.destroy();
      this.#detach(connection, outcome);
    }
    this.#answering = null;
    if (this.#waiting) {
      this.#waiting = false;
      this.client.listener.pool.leaveLine(this, settings);
    }
    settings.stalls.disarm(this.#stall);
    settings.overall.disarm(this.#overall);
    settings.upstream.release();
    this.#tried.length = 0;
    if (this.#held.length > 0) this.#held = [];
    this.#heldBytes = 0;
  }

  /** Something moved: the stall deadline begins anew. */
  #progress(now: Milliseconds = this.client.clock.now()): void {
    if (this.#stall.armed) this.#settings.stalls.arm(this.#stall, now);
  }

  #stopTimer(): void {
    this.#timer?.clear();
    this.#timer = null;
  }
}
