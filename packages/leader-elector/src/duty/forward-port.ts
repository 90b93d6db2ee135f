/**
 * An HTTP port that reaches the leader from any replica, for callers and workloads that know nothing of leaders: on the
 * leader a request goes to the workload beside it, elsewhere to the leader's own forward port.
 *
 * Who leads is asked for each request, right before its first byte is sent. Replicas of different opinion never send it in
 * circles: one that came from a replica goes to the workload here, or nowhere. A request that reached nobody is tried again
 * while the leader changes; one of which a byte was sent to a leader is not sent to another.
 */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { Socket } from "node:net";
import type { DataListener, HostPort, Milliseconds } from "@outrigger/core";
import {
  answer,
  answerUpgrade,
  createPassThrough,
  isWebSocket,
  replyTo,
  WEB_SOCKETS_ALONE,
  withoutUpgrade,
  type Outcome,
  type PassThrough,
  type Reply,
} from "@outrigger/proxy/pass-through";
import type { Duty, EndReason, Term } from "./duty.ts";
import { ForwardMetrics } from "./forward-metrics.ts";
import { ForwardWay, type Leader, type Way } from "./forward-way.ts";
import { closePort, openPort, type PodAddress, type PortDeps } from "./pod-port.ts";

export interface ForwardPortOptions {
  readonly listen: PodAddress;
  readonly workload: Required<HostPort>;
  /** Of this candidate. */
  readonly id: string;
  /** Until the workload, or the leader, accepts. Default: 2 s. */
  readonly connectTimeout?: Milliseconds;
  /** How long nothing may move in a request, either way. Default: 5 min. */
  readonly stallTimeout?: Milliseconds;
  /** How long a request that did not reach the leader waits for another one. Default: 2 s; 0: it does not. */
  readonly retryFor?: Milliseconds;
}

/** While the port closes: for the request that is on its way on a connection without one. */
const LAST_REQUEST_WAIT: Milliseconds = 500;
/** Longer than the minute for which load balancers keep a connection: it is they who close it, and lose no request by that. */
const IDLE_TIMEOUT: Milliseconds = 75_000;
const HEAD_TIMEOUT: Milliseconds = 15_000;

export class ForwardPort implements Duty, DataListener {
  readonly name = "forward-port";
  readonly role = "ingress";
  readonly #options: ForwardPortOptions;
  readonly #deps: PortDeps;
  readonly #metrics: ForwardMetrics;
  readonly #way: ForwardWay;
  // Neither limits an upload's time, nor how it moves: that is the pass-through's.
  readonly #server = createServer({
    ...WEB_SOCKETS_ALONE,
    noDelay: true,
    keepAliveTimeout: IDLE_TIMEOUT,
    headersTimeout: HEAD_TIMEOUT,
    requestTimeout: 0,
  });
  readonly #sockets = new Set<Socket>();
  /** From a request's head to the end of its answer; also those that wait for a leader. */
  readonly #answering = new Set<ServerResponse>();
  /** To the workload: over before the lease is released. */
  #toSelf: PassThrough | null = null;
  #toLeader: PassThrough | null = null;
  #address: string | null = null;
  #accepted = 0;
  #draining = false;
  /** Each is called when the last connection has closed. */
  readonly #whenGone = new Set<() => void>();
  /** Each is called when somebody else leads. */
  readonly #whenChanged = new Set<() => void>();

  constructor(options: ForwardPortOptions, deps: PortDeps) {
    this.#options = options;
    this.#deps = deps;
    this.#way = new ForwardWay(options.id, options.workload);
    this.#metrics = new ForwardMetrics(deps.metrics, () => this.inFlight());
    this.#server.on("connection", (socket: Socket) => this.#connected(socket));
    this.#server.on("request", (request, response) => void this.#serve(request, response));
    this.#server.on("upgrade", (request: IncomingMessage, socket: Socket, head: Buffer) => {
      // Behind one that is not answered yet: whose answer would then go into the tunnel.
      if (this.#answeringOn(socket).length > 0) socket.destroy();
      else if (isWebSocket(request)) void this.#upgrade(request, socket, head);
      else withoutUpgrade(this.#server, request, socket, head);
    });
  }

  get addresses(): readonly string[] {
    return this.#address === null ? [] : [this.#address];
  }

  /** It listens before there is any candidacy. @throws OutriggerError `cannot-listen` */
  async start(): Promise<void> {
    const { connectTimeout = 2_000, stallTimeout = 300_000, listen } = this.#options;
    const limits = { clock: this.#deps.clock, connectTimeout, stallTimeout };
    this.#toSelf = await createPassThrough(limits);
    this.#toLeader = await createPassThrough(limits);
    this.#address = await openPort(this.#server, listen, "the forward port", this.#deps.log);
  }

  async begin(term: Term): Promise<void> {
    this.#way.term = term;
    this.#changed();
  }

  /**
   * Nothing more goes to the workload. What it has got may end until `hurry`, also when the term was lost: it carries the
   * token of its term. Tunnels never end by themselves, and are cut at once.
   */
  async end(_term: Term, why: EndReason, hurry: AbortSignal): Promise<void> {
    this.#way.term = null;
    const tunnels = this.#toSelf?.cutTunnels() ?? 0;
    const cut = (await this.#toSelf?.drain(hurry)) ?? 0;
    this.#deps.log.info({ why, tunnels, cut }, "the workload has no forwarded request any more");
  }

  follow(leader: Leader): void {
    const before = this.#way.leader;
    if (before?.id === leader?.id && before?.address === leader?.address) return;
    this.#way.leader = leader;
    // A leader that has gone without a word has left them open.
    this.#toLeader?.cutTunnels();
    this.#changed();
  }

  async stopAccepting(signal: AbortSignal): Promise<void> {
    await closePort(this.#server, signal);
  }

  connections(): number {
    return this.#sockets.size;
  }

  accepted(): number {
    return this.#accepted;
  }

  inFlight(): number {
    return this.#answering.size + (this.#toSelf?.tunnels ?? 0) + (this.#toLeader?.tunnels ?? 0);
  }

  async drain(signal: AbortSignal): Promise<number> {
    this.#draining = true;
    for (const response of this.#answering) response.shouldKeepAlive = false;
    await this.#gone(signal, LAST_REQUEST_WAIT);
    this.#server.closeIdleConnections();
    const tunnels = (this.#toSelf?.cutTunnels() ?? 0) + (this.#toLeader?.cutTunnels() ?? 0);
    await this.#gone(signal);
    const cut = this.#answering.size;
    await this.stop();
    return tunnels + cut;
  }

  async stop(): Promise<void> {
    this.#draining = true;
    this.#server.close();
    this.#toSelf?.stop();
    this.#toLeader?.stop();
    for (const socket of this.#sockets) socket.destroy();
    this.#changed();
    this.#metrics.stop();
  }

  #connected(socket: Socket): void {
    // One whose upgrade was taken off comes in again.
    if (this.#sockets.has(socket)) return;
    this.#accepted++;
    this.#sockets.add(socket);
    socket.once("close", () => {
      this.#sockets.delete(socket);
      // Node tells only the one whose turn it is, and older ones tell none that wait behind it.
      for (const response of this.#answeringOn(socket)) if (response.socket === null) response.emit("close");
      if (this.#sockets.size === 0) for (const tell of this.#whenGone) tell();
    });
  }

  #answeringOn(socket: Socket): ServerResponse[] {
    return [...this.#answering].filter(({ req }) => req.socket === socket);
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    this.#answering.add(response);
    response.once("close", () => this.#answering.delete(response));
    if (this.#draining) response.shouldKeepAlive = false;
    const { clock } = this.#deps;
    const until = clock.now() + (this.#options.retryFor ?? 2_000);
    for (;;) {
      const way = this.#way.of(request.headers);
      if (way.to === "none") {
        this.#metrics.over("none", "no-leader");
        answer(response, way.reply);
        return;
      }
      const outcome = await this.#passThrough(way).attempt(request, response, way.target);
      if (
        outcome.kind === "unsent" &&
        !response.destroyed &&
        (await this.#again(way, outcome, until, response))
      ) {
        this.#metrics.retried();
        continue;
      }
      this.#metrics.over(
        way.to,
        response.destroyed && outcome.kind === "unsent" ? "client-closed" : outcome.kind,
      );
      if (outcome.kind === "unsent") answer(response, unreached(way, outcome));
      return;
    }
  }

  async #upgrade(request: IncomingMessage, socket: Socket, head: Buffer): Promise<void> {
    const way = this.#way.of(request.headers);
    if (way.to === "none") {
      this.#metrics.over("none", "no-leader");
      answerUpgrade(socket, way.reply);
      return;
    }
    const outcome = await this.#passThrough(way).upgrade(request, socket, head, way.target, (reason, why) =>
      unreached(way, { reason, why }),
    );
    this.#metrics.over(way.to, outcome.kind);
  }

  #passThrough(way: Way): PassThrough {
    return (way.to === "self" ? this.#toSelf : this.#toLeader) as PassThrough;
  }

  /** The workload beside us has no other in its place: that it is away is said at once. */
  async #again(
    way: Way,
    { reason }: Unsent,
    until: Milliseconds,
    response: ServerResponse,
  ): Promise<boolean> {
    if (reason === "withdrawn") return true;
    if (way.to !== "leader") return false;
    const { clock } = this.#deps;
    const gone = new AbortController();
    const leave = (): void => gone.abort();
    response.once("close", leave);
    while (!this.#way.isOther(way.leader) && !gone.signal.aborted && clock.now() < until)
      await this.#told(this.#whenChanged, until - clock.now(), gone.signal);
    response.off("close", leave);
    return !gone.signal.aborted && this.#way.isOther(way.leader);
  }

  async #gone(signal: AbortSignal, limit?: Milliseconds): Promise<void> {
    if (this.#sockets.size > 0) await this.#told(this.#whenGone, limit, signal);
  }

  /** Resolves when `tellers` are called, after `limit`, or when the signal aborts. */
  async #told(tellers: Set<() => void>, limit: Milliseconds | undefined, signal: AbortSignal): Promise<void> {
    if (signal.aborted) return;
    await new Promise<void>((resolve) => {
      const done = (): void => {
        timer?.clear();
        tellers.delete(done);
        signal.removeEventListener("abort", done);
        resolve();
      };
      const timer = limit === undefined ? null : this.#deps.clock.timer(limit, done);
      tellers.add(done);
      signal.addEventListener("abort", done, { once: true });
    });
  }

  #changed(): void {
    for (const tell of this.#whenChanged) tell();
  }
}

type Unsent = Extract<Outcome, { kind: "unsent" }>;

function unreached(way: Way, { reason, why }: Pick<Unsent, "reason" | "why">): Reply {
  if (way.to === "leader")
    return { status: 503, reason, message: `the leader is not reached: ${why}`, retryAfter: 1 };
  return replyTo(reason, `the workload is not reached: ${why}`);
}
