/**
 * One connection from a client: reads requests strictly, one at a time (pipelined ones wait in line), and writes what
 * their exchange gives it. Decides when the connection is kept, closed, or closed slowly so that the last answer arrives.
 */
import type { Socket } from "node:net";
import { Deadline, type Clock, type Milliseconds } from "@outrigger/core";
import { BodyReader } from "../codec/body-reader.ts";
import type { Framing } from "../codec/framing.ts";
import { HeadBuffer } from "../codec/head-buffer.ts";
import { NEED_MORE, type Head } from "../codec/head.ts";
import { asksForH2c } from "../codec/upgrade.ts";
import { readTarget, type TargetReading } from "../codec/request-target.ts";
import { rewriteRequest, type RequestRewrite } from "../codec/rewrite.ts";
import { statusOfViolation, VIOLATIONS, type Violation } from "../codec/violation.ts";
import type { Handler } from "../serve/handler.ts";
import { ServedRequest } from "../serve/served-request.ts";
import { takeReads } from "./accepted-reads.ts";
import type { AccessLog } from "./access-log.ts";
import type { ConnectionPool } from "./connection-pool.ts";
import { Exchange } from "./exchange.ts";
import type { ExchangeClient } from "./exchange-client.ts";
import type { Http1Metrics } from "./http1-metrics.ts";
import { free } from "./read-memory.ts";
import { renderReply, type Reply } from "./reply.ts";
import type { Settings } from "./settings.ts";
import { LARGEST_KEPT, type PendingWriter } from "./turn-writes.ts";
import { Tunnel } from "./tunnel.ts";
import { MAX_UNSENT_BYTES } from "./unsent.ts";
import type { UpstreamConnection } from "./upstream-connection.ts";

/** Bytes of further requests that are taken in while one is being answered; then the socket is paused. */
const MAX_PIPELINED_BYTES = 64 * 1024;

/** Where the connection belongs: the listener. */
export interface ClientHome {
  readonly clock: Clock;
  readonly metrics: Http1Metrics;
  readonly pool: ConnectionPool;
  /** Scratch: a head is read and used within one turn, so that one serves all connections. */
  readonly head: Head;
  readonly framing: Framing;
  /** Those for requests that begin now. */
  readonly settings: Settings;
  readonly draining: boolean;
  readonly log: AccessLog;
  /** Answers some requests in this process; null: all go to the upstream. */
  readonly handler: Handler | null;
  handlerFailed(request: ServedRequest, thrown: unknown): void;
  forget(client: ClientConnection): void;
}

/** `head`: between requests or inside a head; `answering`: the request is whole, its answer is not. */
type State = "head" | "body" | "answering" | "lingering" | "tunnel" | "closed";

export class ClientConnection implements ExchangeClient, PendingWriter {
  readonly #listener: ClientHome;
  readonly clock: Clock;
  readonly metrics: Http1Metrics;
  /** Whether the connection outlives the answer that is being written. */
  keepAlive = true;

  readonly #socket: Socket;
  readonly #address: string;
  /** Made for the settings beside it; a reload brings others. */
  #rewrite: RequestRewrite;
  #settings: Settings;
  readonly #exchange: Exchange;
  /** What answers the request under way, or answered the last one. */
  #current: Exchange | ServedRequest;
  readonly #body = new BodyReader();
  readonly #deadline: Deadline<ClientConnection> = new Deadline<ClientConnection>(this);
  #state: State = "head";
  #partialHead: HeadBuffer | null = null;
  #pipelined: Buffer | null = null;
  #tunnel: Tunnel | null = null;
  #feeding = false;
  /** A whole answer that waits for the end of the turn. */
  #unsent: Uint8Array | null = null;
  /** Requests begun so far. */
  #requests = 0;
  #paused = false;

  constructor(listener: ClientHome, socket: Socket) {
    this.#listener = listener;
    this.clock = listener.clock;
    this.metrics = listener.metrics;
    this.#socket = socket;
    // A client that came over IPv4 to an IPv6 socket is named as what it is.
    this.#address = (socket.remoteAddress ?? "unknown").replace(/^::ffff:/, "");
    this.#settings = listener.settings;
    this.#rewrite = rewriteFor(this.#address, listener.settings);
    this.#current = this.#exchange = new Exchange(this);
    takeReads(socket, (chunk) => this.#received(chunk));
    socket.on("drain", () => this.#drained());
    socket.on("end", () => this.#ended());
    socket.on("error", () => this.destroy());
    socket.on("close", () => {
      if (this.#state !== "tunnel" || this.#tunnel?.clientClosed() !== true) this.destroy();
    });
    listener.settings.idles.arm(this.#deadline);
  }

  get inFlight(): boolean {
    return this.#state === "body" || this.#state === "answering" || this.#state === "tunnel";
  }

  get closed(): boolean {
    return this.#state === "closed";
  }

  /** The socket could not take all at once: what was written last is still in use. */
  get hasUnsentBytes(): boolean {
    return this.#socket.writableLength > 0;
  }

  /** So much waits to be written that the sender must pause; 'drain' tells when all of it is gone. */
  get isFull(): boolean {
    return this.#socket.writableLength > MAX_UNSENT_BYTES;
  }

  get pool(): ConnectionPool {
    return this.#listener.pool;
  }

  get draining(): boolean {
    return this.#listener.draining;
  }

  rewriteUnder(settings: Settings): RequestRewrite {
    if (this.#settings !== settings) {
      this.#settings = settings;
      this.#rewrite = rewriteFor(this.#address, settings);
    }
    return this.#rewrite;
  }

  writeText(text: string): void {
    this.writeBytes(text);
  }

  writeBytes(bytes: Uint8Array | string): void {
    this.flush();
    this.#socket.write(bytes, "latin1");
  }

  writeSoon(bytes: Buffer, start: number, end: number): boolean {
    this.flush();
    const { writes } = this.pool;
    if (end - start > LARGEST_KEPT || !writes.worthwhile(this.#settings.upstream.active)) return false;
    this.#unsent = writes.keep(bytes, start, end);
    writes.add(this);
    return true;
  }

  flush(): void {
    const answer = this.#unsent;
    if (answer === null) return;
    this.#unsent = null;
    this.#socket.write(answer);
    if (this.hasUnsentBytes) this.pool.writes.stillInUse();
  }

  cork(): void {
    this.#socket.cork();
  }

  uncork(): void {
    this.#socket.uncork();
  }

  pause(): void {
    if (this.#paused) return;
    this.#paused = true;
    this.#socket.pause();
  }

  resume(): void {
    if (!this.#paused) return;
    this.#paused = false;
    this.#socket.resume();
  }

  /** Answers for the proxy itself. `requestDone`: the whole request has been read. */
  reply(reply: Reply, requestDone: boolean, bodiless: boolean, added: string): void {
    this.metrics.replied(reply.code);
    this.keepAlive &&= requestDone && !this.#listener.draining && reply.closes !== true;
    this.writeText(renderReply(reply, this.keepAlive, bodiless, added));
    this.#listener.log.replied(this.#current, reply);
    this.exchangeDone(requestDone, this.clock.now());
  }

  /** The answer is written. `requestDone` false: the rest of the request is not wanted. */
  exchangeDone(requestDone: boolean, now: Milliseconds): void {
    if (this.#state === "closed") return;
    if (!requestDone || !this.keepAlive) {
      this.#closeSlowly();
      return;
    }
    this.#state = "head";
    const { settings, draining } = this.#listener;
    (draining ? settings.drains : settings.idles).arm(this.#deadline, now);
    this.resume();
    if (this.#pipelined !== null && !this.#feeding && !this.isFull) this.#feedPipelined();
  }

  /** The answer switched protocols: from here on both connections carry plain bytes. */
  openTunnel(upstream: UpstreamConnection, settings: Settings, closed: () => void): void {
    this.#state = "tunnel";
    this.resume();
    const tunnel = new Tunnel(this.#socket, upstream, settings, () => {
      closed();
      this.#state = "closed";
      this.#listener.forget(this);
    });
    this.flush();
    this.#tunnel = tunnel;
    upstream.becomeTunnel(tunnel);
    // What the client sent right behind its request already is of the other protocol.
    const early = this.#pipelined;
    this.#pipelined = null;
    if (early !== null) tunnel.fromClient(early);
  }

  logAccess(now: Milliseconds): void {
    this.#listener.log.finished(this.#current, now);
  }

  logTruncated(): void {
    this.#listener.log.truncated(this.#current);
  }

  /** Ends the connection at once; an exchange under way is cancelled upstream. */
  destroy(): void {
    if (this.#state === "closed") return;
    const inTunnel = this.#state === "tunnel";
    this.#state = "closed";
    this.#deadline.queue?.disarm(this.#deadline);
    if (inTunnel) this.#tunnel?.broke();
    else this.#current.abandon();
    this.#pipelined = null;
    this.#partialHead = null;
    this.#unsent = null;
    this.#socket.destroy();
    this.#listener.forget(this);
  }

  /**
   * The listener drains: a busy connection is closed after its answer; an idle one, and one whose answer did not say so any
   * more, after a moment for the request that may be on its way.
   */
  drain(): void {
    if (this.#state === "head" && this.#partialHead === null)
      this.#listener.settings.drains.arm(this.#deadline);
  }

  headTimedOut(): void {
    this.metrics.timedOut("head");
    const span = this.#listener.settings.options.headTimeout;
    const message = `the request's head was not complete within ${span} ms`;
    this.#turnAway({ status: 408, code: "head-timeout", message });
  }

  idleTimedOut(): void {
    this.metrics.timedOut("idle");
    this.#closeSlowly();
  }

  drainTimedOut(): void {
    // Whoever has not read the answers to what it sent already is waited for as long as the drain lasts.
    if (this.#pipelined === null) this.#closeSlowly();
    else this.#listener.settings.drains.arm(this.#deadline);
  }

  #received(chunk: Buffer): void {
    if (this.#state === "answering" || (this.#pipelined !== null && this.#state === "head")) {
      this.#pipelined = this.#pipelined === null ? chunk : Buffer.concat([this.#pipelined, chunk]);
      if (this.#pipelined.length > MAX_PIPELINED_BYTES) this.pause();
      return;
    }
    const request = this.#state === "body" ? this.#requests : -1;
    this.#feed(chunk);
    // Bytes of one request's body alone, which its endpoint's socket has taken whole, are needed by nobody any more. A
    // chunk that ends one request and begins another may still wait in the first one's socket.
    if (this.#state === "body" && this.#requests === request && !this.#current.keepsBytes) free(chunk);
  }

  #feedPipelined(): void {
    const bytes = this.#pipelined as Buffer;
    this.#pipelined = null;
    this.#feed(bytes);
  }

  /** Reads request after request until the bytes are used up or one must be answered first. */
  #feed(bytes: Buffer): void {
    this.#feeding = true;
    let at = 0;
    while (at < bytes.length) {
      if (this.#state === "head" && !this.isFull) at = this.#readHead(bytes, at);
      else if (this.#state === "body") at = this.#readBody(bytes, at);
      else if (this.#state === "answering" || this.#state === "head") {
        this.#pipelined = bytes.subarray(at);
        break;
      } else {
        if (this.#state === "tunnel") this.#tunnel?.fromClient(bytes.subarray(at));
        break; // lingering or closed: read and dropped
      }
    }
    this.#feeding = false;
  }

  #readHead(bytes: Buffer, at: number): number {
    const listener = this.#listener;
    const { head } = listener;
    const end = bytes.length;
    const partial = this.#partialHead;
    let past: number;
    let bodyStart: number;
    if (partial === null) {
      bodyStart = past = head.readRequest(bytes, at, end);
      if (past === NEED_MORE) {
        this.#partialHead = new HeadBuffer();
        this.#partialHead.add(bytes, at, end, head.limits.maxBytes);
        listener.settings.heads.arm(this.#deadline);
        return end;
      }
    } else {
      const before = partial.length;
      if (!partial.add(bytes, at, end, head.limits.maxBytes)) return end;
      past = head.readRequest(partial.bytes, 0, partial.length);
      if (past === NEED_MORE) return end;
      bodyStart = at + past - before;
      this.#partialHead = null;
    }
    if (past < 0) return this.#refuse(head.violation as Violation, end);
    this.#deadline.queue?.disarm(this.#deadline);
    return this.#beginRequest(head, past, bytes, bodyStart);
  }

  #beginRequest(head: Head, past: number, bytes: Buffer, bodyStart: number): number {
    const end = bytes.length;
    const { framing, settings } = this.#listener;
    const violation = framing.ofRequest(head);
    if (violation) return this.#refuse(violation, end);
    const target = readTarget(head, framing);
    if (target.violation) return this.#refuse(target.violation, end);
    this.keepAlive = framing.keepAlive;
    // An upgrade has no body; and none goes to h2c, whose frames would pass the strict parser unread.
    if (framing.upgrade && (framing.body !== "none" || asksForH2c(head))) framing.upgrade = false;
    this.#body.begin(framing.body, framing.length);
    const served = this.#served(head, past, target);
    let bodyEnd = bodyStart;
    if (!this.#body.done && bodyStart < end) {
      bodyEnd = this.#bodyBytes(served, bytes, bodyStart, end);
      if (this.#body.violation) return this.#refuse(this.#body.violation, end);
    }
    this.#state = this.#body.done ? "answering" : "body";
    this.#requests++;
    if (served !== null) {
      this.#current = served;
      served.begin(this.#body.done);
      return bodyEnd;
    }
    this.#current = this.#exchange;
    const piece = bodyEnd > bodyStart ? bytes.subarray(bodyStart, bodyEnd) : null;
    this.#exchange.begin(settings, head, past, framing, target, piece, this.#body.done, this.clock.now());
    return bodyEnd;
  }

  /** The request, where this process answers it. */
  #served(head: Head, past: number, target: TargetReading): ServedRequest | null {
    const { framing, settings, handler } = this.#listener;
    if (handler === null) return null;
    const method = head.text(head.start, head.methodEnd);
    const path = target.replacement ?? head.text(head.targetStart, head.targetEnd);
    if (!handler.takes(method, path)) return null;
    // Whoever answers may ignore it (RFC 9110 section 7.8); passed on, it would be a way around the handler.
    framing.upgrade = false;
    return new ServedRequest(this, this.#listener, {
      method,
      target: path,
      headText: rewriteRequest(head, past, framing, this.rewriteUnder(settings), target),
      minorVersion: head.minorVersion,
      expectsContinue: framing.expectsContinue,
      length: framing.body === "chunked" ? Infinity : framing.length,
      now: this.clock.now(),
    });
  }

  /** @returns where the body, or what has come of it, ends */
  #bodyBytes(served: ServedRequest | null, bytes: Buffer, start: number, end: number): number {
    if (served === null) return this.#body.read(bytes, start, end);
    if (this.#body.kind === "chunked")
      return this.#body.read(bytes, start, end, (from, to) => served.take(bytes.subarray(from, to)));
    const past = this.#body.read(bytes, start, end);
    served.take(bytes.subarray(start, past));
    return past;
  }

  #readBody(bytes: Buffer, at: number): number {
    const served = this.#current instanceof ServedRequest ? this.#current : null;
    const past = this.#bodyBytes(served, bytes, at, bytes.length);
    if (this.#body.violation) {
      const { violation } = this.#body;
      this.#current.abandon();
      return this.#refuse(violation, bytes.length);
    }
    if (this.#body.done) this.#state = "answering";
    if (served !== null) served.bodyCame(this.#body.done);
    else this.#exchange.requestBody(bytes, at, past, this.#body.done);
    return past;
  }

  /** The bytes are not one clear request: nobody knows where the next one would begin. */
  #refuse(violation: Violation, end: number): number {
    this.metrics.refused("client", violation);
    this.#turnAway({ status: statusOfViolation(violation), code: violation, message: VIOLATIONS[violation] });
    return end;
  }

  /** Says why there will be no request, and closes. */
  #turnAway(reply: Reply): void {
    this.metrics.finished(reply.status, 0);
    this.metrics.replied(reply.code);
    this.#listener.log.turnedAway(this.#address, reply);
    this.keepAlive = false;
    this.writeText(renderReply(reply, false, false));
    this.#closeSlowly();
  }

  /**
   * Half-closes after what is written, and reads on for a while: closing with unread bytes would reset the connection and
   * could take the answer with it (RFC 9112 section 9.6).
   */
  #closeSlowly(): void {
    if (this.#state === "closed" || this.#state === "lingering") return;
    this.#state = "lingering";
    this.#pipelined = null;
    this.#partialHead = null;
    this.#deadline.queue?.disarm(this.#deadline);
    const { settings } = this.#listener;
    this.flush();
    // While the client still reads the answer only the stall limit counts; from its end on, the linger.
    settings.lastBytes.arm(this.#deadline);
    this.#socket.end(() => {
      if (this.#state === "lingering") settings.lingers.arm(this.#deadline);
    });
    this.resume();
  }

  #drained(): void {
    if (this.#tunnel) this.#tunnel.clientDrained();
    else if (this.#state === "head") {
      if (this.#pipelined !== null) this.#feedPipelined();
      // Part of a head was all that waited: the rest is to be read.
      if (this.#state === "head" && this.#pipelined === null) this.resume();
    } else if (this.#current.active) this.#current.clientDrained();
  }

  /** The client closed its side. With a request under way it is taken to have left, as nginx and Envoy do. */
  #ended(): void {
    if (this.#state === "tunnel") this.#tunnel?.clientEnded();
    else if (this.#state === "head" && this.#partialHead === null) this.#closeSlowly();
    else if (this.#state === "lingering" && this.#socket.writableLength > 0) return;
    else this.destroy();
  }
}

function rewriteFor(clientAddress: string, { options, upstream }: Settings): RequestRewrite {
  return {
    clientAddress: options.forwarded ? clientAddress : "",
    scheme: "http",
    host: options.host,
    hostIfMissing: upstream.name,
  };
}
