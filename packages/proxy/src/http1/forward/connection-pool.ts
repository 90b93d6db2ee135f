/**
 * The connections of one listener to its endpoints: a stack of idle ones each (last in, first out, so that the rest can
 * age and close), new ones within the circuit limits, and a line of requests that wait for a place.
 */
import { connect as connectTcp, type OnReadOpts, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";
import type { Clock, Milliseconds, Timer } from "@outrigger/core";
import type { Endpoint } from "@outrigger/upstream";
import { Framing } from "../codec/framing.ts";
import type { Head } from "../codec/head.ts";
import type { Http1Metrics } from "./http1-metrics.ts";
import { noSocket, type Reply } from "./reply.ts";
import type { Settings } from "./settings.ts";
import { SocketShortage, SWEEP_INTERVAL } from "./socket-shortage.ts";
import { TurnWrites } from "./turn-writes.ts";
import { UpstreamConnection, type ConnectionHome } from "./upstream-connection.ts";
import { WorkloadAway } from "./workload-away.ts";

/**
 * A request that must not be sent twice goes only onto a connection that was in use within this span, or a new one: the
 * longer a connection has been idle, the likelier the endpoint is closing it just now.
 */
const FRESH_ENOUGH_FOR_UNSAFE: Milliseconds = 1_000;
/** Endpoints close up to this early by their own clock; so we stop reusing this much before their hint. */
const HINT_MARGIN: Milliseconds = 1_000;
const MAX_HINT: Milliseconds = 600_000;

/** A request in the line for a connection. */
export interface Waiter {
  /** When its request began: its place in the line, also when it has to wait again. */
  readonly startedAt: Milliseconds;
  /** Of its body, in memory while it waits. */
  readonly heldBytes: number;
  /** Ends the request with this answer. */
  turnAway(reply: Reply): void;
  /** Goes on if there is a place for it now; false: it goes on waiting. */
  tryPlace(): boolean;
  /** What the line waits for is the workload behind a gate; is not that any more; will never come. */
  awaitWorkload(): void;
  workloadIsBack(): void;
  workloadIsGone(): void;
}

export class ConnectionPool implements ConnectionHome {
  readonly clock: Clock;
  readonly metrics: Http1Metrics;
  /** Scratch for reading answers: a head is read and used within one turn, so that one serves all connections. */
  head: Head;
  readonly framing = new Framing();
  readonly writes = new TurnWrites();
  readonly #shortage: SocketShortage;
  readonly #away: WorkloadAway;
  readonly #idle = new Map<Endpoint, UpstreamConnection[]>();
  readonly #open = new Set<UpstreamConnection>();
  #waiting: Waiter[] = [];
  #sweep: Timer | null = null;
  #closing = false;
  #serving = false;
  /** Bytes of bodies that those in the line hold; kept by them. */
  waitingBytes = 0;
  /** What the last attempt to reach the workload met. */
  whyAway = "";
  /** New requests wait although the workload may be there, until those that it has are done. */
  #withholds = false;
  /** It has closed its port: what still is open to it belongs to a process that ends. */
  #portClosed = false;
  #workloadIsGone = false;

  /** @param noSockets told what the kernel said when there was no socket for a connection, once for each shortage */
  constructor(clock: Clock, metrics: Http1Metrics, head: Head, noSockets: (detail: string) => void) {
    this.#shortage = new SocketShortage(clock, noSockets);
    this.#away = new WorkloadAway(clock, () => this.#serveLine());
    this.clock = clock;
    this.metrics = metrics;
    this.head = head;
  }

  get size(): number {
    return this.#open.size;
  }

  /** An idle connection to this endpoint, opened with the same credentials; null: open a new one. */
  takeIdle(
    endpoint: Endpoint,
    settings: Settings,
    repeatable: boolean,
    now: Milliseconds,
  ): UpstreamConnection | null {
    const idle = this.#idle.get(endpoint);
    const keptBack = this.#withholds || this.#portClosed;
    if (idle === undefined || (keptBack && settings.options.hold > 0)) return null;
    for (let connection = idle.at(-1); connection; connection = idle.at(-1)) {
      if (!repeatable && now - connection.idleSince > FRESH_ENOUGH_FOR_UNSAFE) return null;
      idle.pop();
      if (connection.reuseUntil > now && connection.settings.tls === settings.tls) {
        connection.settings = settings;
        return connection;
      }
      connection.destroy();
    }
    return null;
  }

  /**
   * Opens a connection; null when there is no place for one. An idle connection to this endpoint that the request could not
   * use (see FRESH_ENOUGH_FOR_UNSAFE) makes place. Tells the exchange when it is ready, or failed.
   */
  open(endpoint: Endpoint, settings: Settings, now: Milliseconds): UpstreamConnection | null {
    // Who may not be held (any more, since a reload) is told at once.
    const held = settings.options.hold > 0;
    if (held && (this.#withholds || !this.#away.mayOpen)) return null;
    const { limits } = settings.upstream;
    if (!this.#shortage.mayOpen(now) || !limits.tryConnect(endpoint)) {
      const oldest = this.#idle.get(endpoint)?.[0];
      if (oldest === undefined) return null;
      this.#closeForAnother(oldest);
      if (!limits.tryConnect(endpoint)) return null;
    }
    this.#shortage.opening(now);
    this.#away.opening();
    const connection = new UpstreamConnection(this, endpoint, settings);
    this.#open.add(connection);
    const onread: OnReadOpts = {
      buffer: () => connection.readBuffer(),
      callback: (length) => {
        connection.received(length);
        return true;
      },
    };
    const where = {
      host: endpoint.host,
      port: endpoint.port,
      allowHalfOpen: true,
      noDelay: true,
      keepAlive: true,
      onread,
    };
    let socket: Socket;
    if (settings.tls) socket = connectTls({ ...where, ...settings.tls.options(endpoint) });
    else socket = connectTcp(where);
    connection.attach(socket, settings.tls ? "secureConnect" : "connect");
    return connection;
  }

  /** Takes back a connection whose exchange is over. */
  release(connection: UpstreamConnection, now: Milliseconds): void {
    const { endpoint, settings } = connection;
    const unwanted = endpoint.removed || settings.upstream.limits.tooMany(endpoint);
    if (!connection.keepAlive || unwanted || this.#closing) {
      connection.destroy();
      return;
    }
    const span =
      connection.hintedIdle >= 0
        ? Math.min(connection.hintedIdle - HINT_MARGIN, MAX_HINT)
        : settings.options.upstreamIdleTimeout;
    if (span <= 0) {
      connection.destroy();
      return;
    }
    this.#shortage.placeGivenBack();
    connection.becomeIdle(now, now + span);
    const idle = this.#idle.get(endpoint);
    if (idle) idle.push(connection);
    else this.#idle.set(endpoint, [connection]);
    this.#sweepLater();
    this.#serveLine();
  }

  /** A connection has closed. */
  gone(connection: UpstreamConnection): void {
    if (!this.#open.delete(connection)) return;
    connection.settings.upstream.limits.disconnected(connection.endpoint);
    const idle = this.#idle.get(connection.endpoint);
    const at = idle?.indexOf(connection) ?? -1;
    if (at >= 0) idle?.splice(at, 1);
    if (idle?.length === 0) this.#idle.delete(connection.endpoint);
    if (connection.hadSocket) this.socketFreed();
    // Also one that was given up: another must try in its stead.
    if (this.#away.goesOn && !connection.hadOpened) this.#away.failed();
    this.#serveLine();
  }

  opened(): void {
    if (!this.#away.goesOn) return;
    this.#portClosed = false;
    this.#away.back();
    for (const waiter of this.#waiting) waiter.workloadIsBack();
    this.#serveLine();
  }

  /**
   * The workload behind a gate refuses connections: the line waits for it, and one at a time tries.
   * @param portClosed nobody listens there; false: no answer, as from one that has too much to do, and goes on
   */
  workloadRefuses(detail: string, portClosed = true): void {
    this.whyAway = detail;
    this.#portClosed ||= portClosed;
    const before = this.awaitsWorkload;
    this.#away.failed();
    this.#withholds = false;
    if (!before) this.#awaitWorkload();
  }

  /**
   * Requests wait from now on, where `hold` lets them, until `letGo`; at the latest until one has waited for so long, or
   * the workload is found away, which is another reason to wait.
   */
  withhold(): void {
    if (this.awaitsWorkload) return;
    this.#withholds = true;
    this.#awaitWorkload();
  }

  /** Ends `withhold`; false when it was over already. */
  letGo(): boolean {
    if (!this.#withholds) return false;
    this.#withholds = false;
    for (const waiter of this.#waiting) waiter.workloadIsBack();
    this.#serveLine();
    return true;
  }

  /** The workload does not come back: whoever waits for it is turned away, and so is who comes. */
  workloadGone(): void {
    this.whyAway = "its process has ended";
    this.#workloadIsGone = true;
    this.#withholds = false;
    this.#away.forGood();
    for (const waiter of [...this.#waiting]) waiter.workloadIsGone();
  }

  get workloadIsGone(): boolean {
    return this.#workloadIsGone;
  }

  get awaitsWorkload(): boolean {
    return this.#away.goesOn || this.#withholds;
  }

  /** Requests in the line. */
  get waiting(): number {
    return this.#waiting.length;
  }

  /** A new connection would hardly get a socket now. */
  get lacksSockets(): boolean {
    return this.#shortage.holdsBack;
  }

  gotNoSocket(detail: string): void {
    this.#shortage.failed(detail);
    this.#sweepLater();
  }

  /** Another socket of this process has been closed: one that waits, or comes next, may try with it. */
  socketFreed(): void {
    if (!this.lacksSockets) return;
    this.#shortage.socketFreed();
    this.#serveLine();
  }

  /** Puts a request in the line; false when the line is full. */
  wait(exchange: Waiter, settings: Settings): boolean {
    if (!settings.upstream.limits.tryPend()) return false;
    let at = this.#waiting.length;
    while (at > 0 && (this.#waiting[at - 1] as Waiter).startedAt > exchange.startedAt) at--;
    this.#waiting.splice(at, 0, exchange);
    this.#sweepLater();
    return true;
  }

  leaveLine(exchange: Waiter, settings: Settings): void {
    const at = this.#waiting.indexOf(exchange);
    if (at < 0) return;
    this.#waiting.splice(at, 1);
    settings.upstream.limits.unpend();
  }

  /** Discovery dropped this endpoint: its idle connections go, the busy ones finish. */
  dropIdle(endpoint: Endpoint): void {
    for (const connection of [...(this.#idle.get(endpoint) ?? [])]) connection.destroy();
  }

  close(): void {
    this.#closing = true;
    this.#away.stop();
    this.#sweep?.clear();
    this.#sweep = null;
    for (const connection of [...this.#open]) if (connection.exchange === null) connection.destroy();
  }

  /** First come, first served, for as long as there is a place. */
  #serveLine(): void {
    if (this.#serving || this.#closing) return;
    this.#serving = true;
    while (this.#waiting.length > 0) {
      const first = this.#waiting[0] as Waiter;
      if (!first.tryPlace()) break;
      const at = this.#waiting.indexOf(first);
      if (at >= 0) this.#waiting.splice(at, 1);
    }
    this.#serving = false;
  }

  #awaitWorkload(): void {
    for (const waiter of this.#waiting) waiter.awaitWorkload();
  }

  /** Its place is for the request at hand, not for the line. */
  #closeForAnother(idle: UpstreamConnection): void {
    const serving = this.#serving;
    this.#serving = true;
    idle.destroy();
    this.#serving = serving;
  }

  #sweepLater(): void {
    if (this.#closing) return;
    this.#sweep ??= this.clock.timer(SWEEP_INTERVAL, () => this.#sweepIdle(), { unref: true });
  }

  #sweepIdle(): void {
    this.#sweep = null;
    const now = this.clock.now();
    for (const idle of [...this.#idle.values()]) {
      // The oldest stand at the bottom; but hints differ, so that all are looked at.
      for (const connection of [...idle]) if (connection.reuseUntil <= now) connection.destroy();
    }
    // Somebody's own socket must then serve the rest: that of the newest.
    if (this.#shortage.sweep(now, this.#waiting.length > 0))
      this.#waiting.at(-1)?.turnAway(noSocket("and none is given back"));
    // A place may have come without a connection's end: by discovery, a reload, or sockets that others closed.
    this.#serveLine();
    if (this.#idle.size > 0 || this.#waiting.length > 0 || this.#shortage.goesOn) this.#sweepLater();
  }
}
