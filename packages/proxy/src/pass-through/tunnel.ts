/**
 * One WebSocket through http-proxy, with what it leaves undone: errors of either socket end both and nothing else, an
 * endpoint that refuses is quoted in full, one side may end before the other, and who leaves early takes the rest along.
 *
 * The only way to the upstream request is an event that says for which request it was made: a stand-in, as for requests.
 */
import type { ClientRequest, IncomingMessage } from "node:http";
import type { Socket } from "node:net";
import { formatDuration, formatHostPort, type Timer } from "@outrigger/core";
import { answerFields, requestFields } from "./fields.ts";
import { answerUpgrade, replyTo } from "./reply.ts";
import type { InFlight, Room } from "./room.ts";
import type { Failure, Outcome, Target } from "./target.ts";

const standsFor = new WeakMap<object, TunnelInFlight>();

export class TunnelInFlight implements InFlight {
  readonly isTunnel = true;
  readonly outcome: Promise<Outcome>;
  readonly #room: Room;
  readonly #request: IncomingMessage;
  readonly #client: Socket;
  readonly #target: Target;
  readonly #unsentReply: typeof replyTo;
  #upstream: ClientRequest | null = null;
  /** After 101. */
  #endpointSocket: Socket | null = null;
  #refused: IncomingMessage | null = null;
  #sent = false;
  #timer: Timer | null = null;
  #settle: (outcome: Outcome) => void = () => {};
  #over = false;

  static of(standIn: object): TunnelInFlight | undefined {
    return standsFor.get(standIn);
  }

  constructor(
    room: Room,
    request: IncomingMessage,
    client: Socket,
    head: Buffer,
    target: Target,
    unsentReply = replyTo,
  ) {
    this.#room = room;
    this.#request = request;
    this.#client = client;
    this.#target = target;
    this.#unsentReply = unsentReply;
    this.outcome = new Promise((resolve) => (this.#settle = resolve));
    room.inFlight.add(this);
    // Nobody else listens from the upgrade event on: an error would end the process.
    client.on("error", () => {});
    client.once("close", () => this.#clientClosed());
    if (client.destroyed) this.#clientClosed();
    else this.#send(head);
  }

  cut(): void {
    this.#destroyAll();
    this.#end({ kind: "cut" });
  }

  #send(head: Buffer): void {
    const { method, url, httpVersion, socket } = this.#request;
    const { host, port } = this.#target;
    try {
      const fields = requestFields(this.#request, this.#target);
      const headers = { ...fields, connection: "Upgrade", upgrade: "websocket" };
      const standIn = { method, url, httpVersion, socket, headers };
      standsFor.set(standIn, this);
      this.#room.proxy.ws(
        standIn as unknown as IncomingMessage,
        this.#client,
        head,
        { target: { protocol: "http:", host, port }, agent: this.#room.tunnels, toProxy: true },
        (error) => this.#failed(error),
      );
    } catch (thrown) {
      this.#fail("bad-request", `the request cannot be passed on: ${(thrown as Error).message}`);
    }
  }

  /** http-proxy has made the upstream request, and has sent nothing of it yet. */
  takeOver(upstream: ClientRequest): void {
    this.#upstream = upstream;
    upstream.path = this.#request.url ?? "/";
    this.#limit(this.#room.connectTimeout, "connect-timeout", "accepted no connection");
    // Before the bytes that Node holds back for the connection, which then go nowhere.
    upstream.once("socket", (socket) => socket.once("connect", () => this.#connected()));
    upstream.once("response", (answered: IncomingMessage) => this.#refusal(answered));
    upstream.once("upgrade", (_answered, socket: Socket) => this.#opened(socket));
  }

  #connected(): void {
    if (this.#over) return;
    if (this.#target.stillWanted?.() === false) {
      this.#fail("withdrawn", `${this.#endpoint}: it was not wanted there any more`);
      return;
    }
    this.#sent = true;
    this.#limit(this.#room.stallTimeout, "stalled", "answered nothing");
  }

  /** http-proxy writes these fields, then the body without its chunks, then ends. */
  #refusal(answered: IncomingMessage): void {
    this.#refused = answered;
    answered.on("error", () => {});
    answered.headers = {
      ...answerFields(answered, this.#request),
      connection: "close",
    };
    delete answered.headers["trailer"];
    answered.on("data", () => this.#timer?.refresh());
    this.#client.on("drain", () => this.#timer?.refresh());
    answered.once("close", () => {
      if (!answered.complete) this.#fail("reset", `${this.#endpoint} broke off its answer`);
    });
    // What a client sends behind its request is for an endpoint that has taken the tunnel.
    this.#client.resume();
  }

  #opened(socket: Socket): void {
    this.#timer?.clear();
    this.#endpointSocket = socket;
    socket.once("close", () => {
      if (this.#client.destroyed) this.#bothClosed();
      else if (!socket.readableEnded || socket.errored) this.#client.resetAndDestroy();
    });
    // It went while the endpoint thought.
    if (this.#client.destroyed) socket.destroy();
  }

  #clientClosed(): void {
    if (this.#over) return;
    const endpoint = this.#endpointSocket;
    if (endpoint === null) {
      this.#upstream?.destroy();
      const status = this.#refused?.complete === true ? this.#refused.statusCode : undefined;
      this.#end(status === undefined ? { kind: "client-closed" } : { kind: "answered", status });
      return;
    }
    if (!this.#client.readableEnded || this.#client.errored) endpoint.resetAndDestroy();
    if (endpoint.destroyed) this.#bothClosed();
  }

  #bothClosed(): void {
    this.#end({ kind: "answered", status: 101 });
  }

  /** http-proxy ends the client's socket after this. */
  #failed(error: Error): void {
    if (this.#over) return;
    const detail = (error as NodeJS.ErrnoException).code ?? error.message;
    if (this.#endpointSocket) this.#destroyAll();
    else if (this.#sent) this.#fail("reset", `${this.#endpoint} gave no whole answer: ${detail}`);
    else this.#fail("connect-failure", `${this.#endpoint}: accepted no connection: ${detail}`);
  }

  #fail(reason: Failure, why: string): void {
    if (this.#over) return;
    this.#end(this.#sent ? { kind: "failed", reason, why } : { kind: "unsent", reason, why });
    this.#upstream?.destroy();
    if (this.#refused) this.#client.resetAndDestroy();
    else {
      const reply = this.#sent ? replyTo : this.#unsentReply;
      answerUpgrade(this.#client, reply(reason, why));
      this.#leaveSoon();
    }
  }

  #leaveSoon(): void {
    const { clock, stallTimeout } = this.#room;
    this.#client.resume();
    const limit = clock.timer(stallTimeout, () => this.#client.destroy(), { unref: true });
    this.#client.once("close", () => limit.clear());
  }

  /** A reset: an orderly end would leave whoever is behind a peer waiting for the other half. */
  #destroyAll(): void {
    this.#client.resetAndDestroy();
    this.#endpointSocket?.resetAndDestroy();
    this.#upstream?.destroy();
  }

  #limit(span: number, reason: "connect-timeout" | "stalled", what: string): void {
    this.#timer?.clear();
    this.#timer = this.#room.clock.timer(span, () =>
      this.#fail(reason, `${this.#endpoint} ${what} for ${formatDuration(span)}`),
    );
  }

  get #endpoint(): string {
    return formatHostPort(this.#target);
  }

  #end(outcome: Outcome): void {
    if (this.#over) return;
    this.#over = true;
    this.#timer?.clear();
    this.#room.inFlight.delete(this);
    this.#settle(outcome);
    this.#room.ended();
  }
}
