/**
 * One request on its way: picks an endpoint, sends, waits, tries again where that is safe, and hands the first answer's
 * bytes to the client. A client connection has one Exchange and uses it for each of its requests in turn.
 *
 * What is sent again: a request of which no byte was handed to the kernel, whatever its method; and, within the retry
 * budget, an idempotent one (RFC 9110 section 9.2.2) whose body can be repeated, as long as no byte of an answer has
 * reached the client. A POST of which a byte was sent is never sent again.
 */
import { Deadline, type Milliseconds } from "@outrigger/core";
import type { Outcome } from "@outrigger/upstream";
import type { Framing } from "../codec/framing.ts";
import type { Head } from "../codec/head.ts";
import { methodOf } from "../codec/method.ts";
import type { TargetReading } from "../codec/request-target.ts";
import { rewriteRequest, rewriteResponse } from "../codec/rewrite.ts";
import { AnswerWriter } from "./answer-writer.ts";
import { Attempts } from "./attempts.ts";
import type { ExchangeClient } from "./exchange-client.ts";
import { PlaceInLine } from "./place-in-line.ts";
import {
  allAttemptsFailed,
  explanation,
  noEndpoint,
  noSocket,
  rejected,
  timeIsUp,
  type Reply,
} from "./reply.ts";
import { RequestBody } from "./request-body.ts";
import type { ExchangeLimit, Settings } from "./settings.ts";
import type { AnswerReceiver, AttemptFailure, UpstreamConnection } from "./upstream-connection.ts";

const OUTCOME_OF_FAILURE: Readonly<Record<AttemptFailure, Outcome>> = {
  "connect-failure": "connect-failure",
  "connect-timeout": "connect-failure",
  // An endpoint may close an idle connection when it likes: that says nothing against it.
  stale: "cancelled",
  reset: "reset",
  "try-timeout": "timeout",
  "bad-answer": "reset",
  // Of our own making.
  "no-socket": "cancelled",
};

export class Exchange implements AnswerReceiver {
  readonly client: ExchangeClient;
  isHead = false;
  wantsUpgrade = false;
  /** The head as it is sent on; the access log reads it, too. */
  headText = "";
  /** The key of the endpoint that answered, or that was tried last. */
  endpointKey = "";
  status = 0;
  startedAt: Milliseconds = 0;
  active = false;

  #settings!: Settings;
  #idempotent = false;
  /** The client speaks HTTP/1.0. */
  #old = false;
  readonly #body = new RequestBody();
  readonly #attempts: Attempts;
  readonly #answer: AnswerWriter;
  /** The attempt whose answer goes to the client. */
  #answering: UpstreamConnection | null = null;
  #answerDone = false;
  #lastFailure: AttemptFailure | "status" | null = null;
  #lastDetail = "";
  readonly #stall: Deadline<Exchange> = new Deadline<Exchange>(this);
  readonly #overall: Deadline<Exchange> = new Deadline<Exchange>(this);
  readonly #place: PlaceInLine;

  constructor(client: ExchangeClient) {
    this.client = client;
    this.#answer = new AnswerWriter(client);
    this.#attempts = new Attempts(this, client.clock, client.pool);
    this.#place = new PlaceInLine(this, client.pool);
  }

  get heldBytes(): number {
    return this.#body.waitingBytes;
  }

  /** Bytes of the request's body are held for an attempt, or wait in an endpoint's socket. */
  get keepsBytes(): boolean {
    if (!this.#body.empty) return true;
    const running = this.#answering ?? this.#attempts.first;
    return running !== null && running.socket.writableLength > 0;
  }

  get attempts(): number {
    return this.#attempts.count;
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
    target: TargetReading,
    body: Buffer | null,
    done: boolean,
    now: Milliseconds,
  ): void {
    const method = methodOf(head);
    this.#settings = settings;
    this.active = true;
    this.startedAt = now;
    this.#old = head.minorVersion === 0;
    this.isHead = method.name === "HEAD";
    this.#idempotent = method.idempotent;
    this.wantsUpgrade = framing.upgrade;
    this.headText = rewriteRequest(head, past, framing, this.client.rewriteUnder(settings), target);
    const length = framing.body === "chunked" ? Infinity : framing.length;
    this.#body.begin(body, done, length, this.#idempotent ? settings.options.retryBodyBytes : 0);
    this.#attempts.begin(settings);
    this.status = 0;
    this.endpointKey = "";
    this.#answerDone = false;
    this.#lastFailure = null;
    this.#lastDetail = "";
    if (body !== null) this.client.metrics.bytesFromClients.inc(body.length);

    const rejection = settings.upstream.admit(now);
    if (rejection !== null) {
      this.active = false;
      this.#body.clear();
      this.#reply(rejected(rejection));
      return;
    }
    settings.stalls.arm(this.#stall, now);
    settings.overall.arm(this.#overall, now);
    this.#attempt(now);
  }

  /** There may be a place for a connection: the request at the head of the line tries. False: there is none. */
  tryPlace(): boolean {
    const now = this.client.clock.now();
    const connection = this.#start(now);
    if (connection === null && this.#attempts.lastPick !== null) return false;
    this.#place.served(this.#settings);
    this.#proceed(connection, now);
    return true;
  }

  /** What the line waits for is the workload behind a gate. */
  awaitWorkload(): void {
    this.#place.holdBegins(this.#settings, this.client.clock.now());
  }

  workloadIsBack(): void {
    this.#place.holdEnds(this.#settings, this.client.clock.now());
  }

  workloadIsGone(): void {
    this.turnAway(this.#place.workloadGone());
  }

  /** Ends the request, which waits, with this answer. */
  turnAway(reply: Reply): void {
    this.#over("cancelled");
    this.#reply(reply);
  }

  /** The connection that an attempt waited for is open. */
  attemptReady(connection: UpstreamConnection): void {
    this.#send(connection, this.client.clock.now());
  }

  attemptFailed(connection: UpstreamConnection, failure: AttemptFailure, detail: string): void {
    const now = this.client.clock.now();
    if (this.#answering === connection && this.#answerDone) {
      // It answered before the request was whole, and has now closed: that is its right.
      this.#attempts.end(connection, this.#outcomeOfStatus(), now);
      this.#answering = null;
      this.#finishUnread();
      return;
    }
    this.#attempts.end(connection, OUTCOME_OF_FAILURE[failure], now);
    if (!this.active) return;
    if (this.#answering === connection) {
      this.#answering = null;
      this.#truncate();
      return;
    }
    if (failure === "no-socket" && this.#attempts.none) {
      this.#attempts.uncount(connection.endpoint);
      // Where no connection is open, none will come back to serve the line.
      if (this.client.pool.size === 0) this.turnAway(noSocket(detail));
      else this.#wait(connection.endpoint.key);
      return;
    }
    this.#lastFailure = failure;
    this.#lastDetail = `${connection.endpoint.key}: ${detail}`;
    if (!this.#attempts.none) return; // the other attempt is still running
    const nothingSent = !connection.wrote;
    const repeatable = nothingSent || (this.#idempotent && !this.#body.gone);
    if (connection.absent && this.#settings.options.hold > 0) {
      this.#attempts.uncount(connection.endpoint);
      this.client.pool.workloadRefuses(detail, failure !== "connect-timeout");
      this.#wait(connection.endpoint.key);
    } else if (repeatable && this.#attempts.mayRetry(failure, nothingSent)) this.#retry(failure, now);
    else this.#giveUp();
  }

  /** A 1xx answer stands in the pool's scratch head. */
  interimAnswer(past: number): void {
    this.#progress();
    if (this.#old || this.#attempts.hedge !== null) return;
    const { head, framing } = this.client.pool;
    this.client.writeText(
      rewriteResponse(head, past, framing, { connection: "", chunking: "as-is", added: "" }),
    );
    // What a client sends upon "100 Continue" is not asked for a second time.
    if (!this.#body.done) this.#idempotent = false;
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
    now: Milliseconds,
  ): number {
    const { head, framing } = this.client.pool;
    connection.latency = now - connection.attemptAt;
    if (
      this.#settings.retriesStatus(head.status) &&
      this.#triesElsewhere(connection, framing.hasRetryAfter)
    ) {
      this.#lastFailure = "status";
      this.#lastDetail = `${connection.endpoint.key}: status ${head.status}`;
      this.#discardAnswer(connection, bytes, bodyStart, end, now);
      return end;
    }
    this.#dropOther(connection, now);
    this.#answering = connection;
    this.status = head.status;
    this.endpointKey = connection.endpoint.key;
    this.#progress(now);
    const added = this.#settings.options.explain
      ? explanation(this.endpointKey, this.#attempts.count, this.#lastFailure)
      : "";
    if (head.status === 101) {
      this.#tunnel(connection, past, added);
      if (end > bodyStart) connection.tunnel?.fromUpstream(bytes, bodyStart, end);
      return end;
    }
    // An endpoint that answers early and closes will not read the rest of the request: nor can the client go on.
    if (!this.#body.done && !connection.keepAlive) this.client.keepAlive = false;
    return this.#answer.begin(connection, past, bytes, bodyStart, end, this.#old, added);
  }

  /** More of the answer's body stands at start..end. Returns the offset up to which it was the body. */
  answerContinues(
    connection: UpstreamConnection,
    bytes: Buffer,
    start: number,
    end: number,
    now: Milliseconds,
  ): number {
    this.#progress(now);
    return this.#answer.continue(connection, bytes, start, end);
  }

  answerEnds(connection: UpstreamConnection, now: Milliseconds): void {
    if (this.#answering !== connection) return;
    this.#answer.end();
    this.#answerDone = true;
    if (this.#body.done) this.#finish(connection, now);
    else if (!connection.keepAlive) this.#finishUnread();
    // Otherwise the endpoint still reads: the connection is held until the request's body is done.
  }

  /** Body bytes from the client, `done` with the last of them. */
  requestBody(bytes: Buffer, start: number, end: number, done: boolean): void {
    this.#body.done = done;
    this.#progress();
    this.client.metrics.bytesFromClients.inc(end - start);
    const running = this.#answering ?? this.#attempts.first;
    const piece = bytes.subarray(start, end);
    if (running === null || !running.wrote) {
      this.#body.hold(piece);
      if (!done) this.client.pause();
      return;
    }
    this.#body.passing(piece);
    if (!running.write(piece)) this.client.pause();
    if (done && this.#answerDone) this.#finish(running, this.client.clock.now());
  }

  clientDrained(): void {
    this.#progress();
    this.#answering?.resume();
  }

  upstreamDrained(connection: UpstreamConnection): void {
    if (connection !== (this.#answering ?? this.#attempts.first)) return;
    this.#progress();
    this.client.resume();
  }

  /** The client has left, or broken the protocol: nobody waits for the answer. */
  abandon(): void {
    if (!this.active) return;
    this.client.metrics.clientClosed();
    this.#over("cancelled");
  }

  timedOut(kind: ExchangeLimit): void {
    if (!this.active) return;
    if (kind === "held" && this.client.pool.letGo()) {
      // Not the workload was away, it was we who held back: it has waited long enough for what others have to finish.
      return;
    }
    this.client.metrics.timedOut(kind);
    if (this.#answering !== null) {
      this.#truncate();
      return;
    }
    const { timeout, stallTimeout } = this.#settings.options;
    this.#over("timeout");
    if (kind === "held" || kind === "pending") this.#reply(this.#place.waitedTooLong(kind, this.#settings));
    else this.#reply(timeIsUp(kind, kind === "overall" ? timeout : stallTimeout, this.endpointKey));
  }

  #attempt(now: Milliseconds): void {
    const connection = this.#start(now);
    const { lastPick } = this.#attempts;
    if (connection === null && lastPick !== null) this.#wait(lastPick.key);
    else this.#proceed(connection, now);
  }

  #start(now: Milliseconds): UpstreamConnection | null {
    return this.#attempts.start(this.#idempotent && this.#body.repeatable, now);
  }

  #wait(endpointKey: string): void {
    if (!this.#body.done) this.client.pause();
    const refusal = this.#place.take(endpointKey, this.#settings, this.client.clock.now());
    if (refusal === null) return;
    // Not the workload was away, it was we who held back: the line is full now, so that all go on.
    if (this.client.pool.letGo()) this.#attempt(this.client.clock.now());
    else this.turnAway(refusal);
  }

  /** @param connection null: there is no endpoint */
  #proceed(connection: UpstreamConnection | null, now: Milliseconds): void {
    const attempts = this.#attempts;
    if (connection === null) {
      const { upstream } = this.#settings;
      this.#over("cancelled");
      this.#reply(noEndpoint(upstream.name, upstream.explainPool(now)));
      return;
    }
    attempts.first = connection;
    this.endpointKey = connection.endpoint.key;
    if (connection.state === "idle") this.#send(connection, now);
    else if (!this.#body.done) this.client.pause();
    if (attempts.count === 1) this.#scheduleHedge();
  }

  #send(connection: UpstreamConnection, now: Milliseconds): void {
    this.#place.sent(this.#settings);
    this.#body.sendFirst(connection, this.headText, now);
    if (this.#body.done) return;
    if (connection.isFull) this.client.pause();
    else this.client.resume();
  }

  #retry(reason: AttemptFailure | "status", now: Milliseconds): void {
    this.client.metrics.retried(reason);
    this.#attempts.unplan();
    const pause = this.#attempts.pause();
    if (pause > 0) this.#attempts.plan(pause, () => this.#attempt(this.client.clock.now()));
    else this.#attempt(now);
  }

  /** Whether an answer with a retryable status is dropped in favour of another attempt. */
  #triesElsewhere(connection: UpstreamConnection, retryAfter: boolean): boolean {
    if (!this.#idempotent || this.#body.gone || !this.#body.done || this.wantsUpgrade) return false;
    if (this.#attempts.other(connection) !== null) return true;
    // Retry-After says: not here, not now. Another endpoint may be asked; this one may not.
    if (retryAfter && this.#attempts.allTried) return false;
    return this.#attempts.mayRetry("status", false);
  }

  #discardAnswer(
    connection: UpstreamConnection,
    bytes: Buffer,
    bodyStart: number,
    end: number,
    now: Milliseconds,
  ): void {
    const { body } = connection;
    const bodyEnd = body.read(bytes, bodyStart, end);
    const reusable = body.done && !body.violation && bodyEnd === end && connection.keepAlive;
    this.#attempts.end(connection, "server-error", now);
    if (reusable) {
      connection.answerDiscarded();
      this.client.pool.release(connection, now);
    } else {
      connection.destroy();
    }
    if (this.#attempts.none) this.#retry("status", now);
  }

  /** Only what may be sent twice, and is whole, is hedged. */
  #scheduleHedge(): void {
    const delay = this.#settings.upstream.hedge.delay();
    if (delay === Infinity || !this.#idempotent || !this.#body.done || !this.#body.empty || this.wantsUpgrade)
      return;
    this.#attempts.plan(delay, () => this.#startHedge());
  }

  #startHedge(): void {
    const attempts = this.#attempts;
    if (!this.active || this.#answering !== null || attempts.first === null || attempts.hedge !== null)
      return;
    const now = this.client.clock.now();
    const hedge = attempts.startHedge(now);
    if (hedge?.state === "idle") this.#send(hedge, now);
  }

  /** This attempt answers: the other one is not needed any more. */
  #dropOther(connection: UpstreamConnection, now: Milliseconds): void {
    this.#attempts.unplan();
    const other = this.#attempts.other(connection);
    if (other === null) return;
    other.destroy();
    this.#attempts.end(other, "cancelled", now);
  }

  #tunnel(connection: UpstreamConnection, past: number, added: string): void {
    const { head, framing } = this.client.pool;
    const now = this.client.clock.now();
    this.client.writeText(
      rewriteResponse(head, past, framing, { connection: "upgrade", chunking: "as-is", added }),
    );
    this.client.metrics.finished(101, (now - this.startedAt) / 1000);
    this.client.logAccess(now);
    this.#settings.stalls.disarm(this.#stall);
    this.#settings.overall.disarm(this.#overall);
    this.client.openTunnel(connection, this.#settings, () => {
      this.#attempts.end(connection, "success", this.client.clock.now());
      this.#over("success");
    });
  }

  /** Request and answer are whole. */
  #finish(connection: UpstreamConnection, now: Milliseconds): void {
    this.#answering = null;
    this.#attempts.end(connection, this.#outcomeOfStatus(), now);
    this.client.pool.release(connection, now);
    this.#settle(now);
    this.client.exchangeDone(true, now);
  }

  /** The answer is whole, the request is not, and nobody reads it any more. */
  #finishUnread(): void {
    const now = this.client.clock.now();
    this.#settle(now);
    this.client.exchangeDone(false, now);
  }

  #settle(now: Milliseconds): void {
    this.client.metrics.finished(this.status, (now - this.startedAt) / 1000);
    this.client.logAccess(now);
    this.#over(this.#outcomeOfStatus());
  }

  /** The client has part of an answer and will not get the rest: the only honest end is one that it can see. */
  #truncate(): void {
    this.client.metrics.truncated();
    this.client.metrics.finished(this.status, (this.client.clock.now() - this.startedAt) / 1000);
    // A reader that has stopped says nothing against the endpoint; one that broke has been booked already.
    this.#over("cancelled");
    this.client.logTruncated();
    this.client.destroy();
  }

  #giveUp(): void {
    this.#over("cancelled");
    this.#reply(allAttemptsFailed(this.#lastFailure ?? "reset", this.#attempts.count, this.#lastDetail));
  }

  #reply(reply: Reply): void {
    this.status = reply.status;
    this.client.metrics.finished(reply.status, (this.client.clock.now() - this.startedAt) / 1000);
    this.client.reply(
      reply,
      this.#body.done,
      this.isHead,
      this.#settings.options.explain ? explanation(this.endpointKey, this.#attempts.count, null) : "",
    );
  }

  #outcomeOfStatus(): Outcome {
    return this.status >= 500 ? "server-error" : "success";
  }

  /** Ends whatever runs, booking it as `outcome`, and becomes ready for the next request. */
  #over(outcome: Outcome): void {
    if (!this.active) return;
    this.active = false;
    this.#attempts.unplan();
    // A retry that was allowed, and waited for its time or its turn, is not coming any more.
    this.#attempts.giveBack();
    const { first, hedge } = this.#attempts;
    if (first !== null || hedge !== null) {
      const now = this.client.clock.now();
      for (const connection of [first, hedge]) {
        if (connection === null) continue;
        connection.destroy();
        this.#attempts.end(connection, outcome, now);
      }
    }
    this.#answering = null;
    this.#place.leave(this.#settings);
    this.#settings.stalls.disarm(this.#stall);
    this.#settings.overall.disarm(this.#overall);
    this.#settings.upstream.release();
    this.#body.clear();
  }

  /** Something moved: the stall deadline begins anew. */
  #progress(now: Milliseconds = this.client.clock.now()): void {
    if (this.#stall.armed) this.#settings.stalls.arm(this.#stall, now);
  }
}
