/**
 * One request through http-proxy, with what it leaves undone: the upstream request ends when the client goes, the client's
 * answer ends when the upstream breaks off, time limits hold, and what came in is sent only once there is a connection.
 *
 * http-proxy gets a stand-in for the request. It reads fields from it, and pipes it into the upstream request: so we get
 * hold of that, and the body waits until we send it.
 */
import {
  STATUS_CODES,
  type Agent,
  type ClientRequest,
  type IncomingMessage,
  type OutgoingMessage,
  type ServerResponse,
} from "node:http";
import { formatHostPort, formatDuration, type Timer } from "@outrigger/core";
import { answerFields, isChunked, requestFields, trailerFields } from "./fields.ts";
import type { InFlight, Room } from "./room.ts";
import { answer, replyTo } from "./reply.ts";
import type { Failure, Outcome, Target } from "./target.ts";

/** RFC 9110 section 9.2.2: may be repeated, whatever became of the first. */
const IDEMPOTENT: ReadonlySet<string> = new Set(["GET", "HEAD", "OPTIONS", "TRACE"]);

/** What setHeader and writeHead refuse to take, and Node's parser lets by in a reason phrase. */
const NOT_IN_A_REASON = /[^\t\x20-\x7e\x80-\xff]/;

export class RequestInFlight implements InFlight {
  readonly isTunnel = false;
  readonly outcome: Promise<Outcome>;
  readonly #room: Room;
  readonly #request: IncomingMessage;
  readonly #response: ServerResponse;
  readonly #target: Target;
  #upstream: ClientRequest | null = null;
  #answer: IncomingMessage | null = null;
  #sent = false;
  #timer: Timer | null = null;
  #settle: (outcome: Outcome) => void = () => {};
  #over = false;

  constructor(room: Room, request: IncomingMessage, response: ServerResponse, target: Target) {
    this.#room = room;
    this.#request = request;
    this.#response = response;
    this.#target = target;
    this.outcome = new Promise((resolve) => (this.#settle = resolve));
    room.inFlight.add(this);
    response.on("close", this.#closed);
    // Once, also at the tenth attempt.
    for (const each of [request, response]) each.off("error", nothing).on("error", nothing);
    if (response.destroyed || request.destroyed) this.#closed();
    else this.#send(this.#mayRepeat ? room.kept : room.single);
  }

  /** Without a body, so that a connection that was kept too long costs nobody a request. */
  get #mayRepeat(): boolean {
    const { method, headers } = this.#request;
    return (
      IDEMPOTENT.has(method ?? "") && Number(headers["content-length"] ?? 0) === 0 && !isChunked(headers)
    );
  }

  cut(): void {
    if (this.#over) return;
    this.#end({ kind: "cut" });
    this.#breakOff();
  }

  #send(agent: Agent): void {
    const request = this.#request;
    const standIn = {
      method: request.method,
      url: request.url,
      httpVersion: request.httpVersion,
      headers: requestFields(request, this.#target),
      socket: request.socket,
      on: nothing,
      pipe: (upstream: ClientRequest) => this.#takeOver(upstream),
    };
    const { host, port } = this.#target;
    try {
      this.#room.proxy.web(
        standIn as unknown as IncomingMessage,
        this.#response,
        { target: { protocol: "http:", host, port }, agent, toProxy: true },
        (error) => this.#failed(error),
      );
    } catch (thrown) {
      // Node refuses to write what its parser took: as yet nothing has been sent.
      this.#fail("bad-request", `the request cannot be passed on: ${(thrown as Error).message}`);
    }
  }

  #takeOver(upstream: ClientRequest): void {
    this.#upstream = upstream;
    // http-proxy has made one slash of two.
    upstream.path = this.#request.url ?? "/";
    this.#limit(this.#room.connectTimeout, "connect-timeout", "accepted no connection");
    upstream.once("socket", (socket) => {
      const ready = (): void => this.#connected(upstream);
      if (socket.connecting) socket.once("connect", ready);
      else ready();
    });
    upstream.prependListener("response", (answered: IncomingMessage) => this.#answered(answered));
  }

  #connected(upstream: ClientRequest): void {
    if (this.#over) return;
    if (this.#target.stillWanted?.() === false) {
      this.#unsent("withdrawn", "it was not wanted there any more");
      return;
    }
    this.#sent = true;
    this.#limit(this.#room.stallTimeout, "stalled", "let nothing move");
    const moved = (): void => this.#timer?.refresh();
    const request = this.#request;
    request.on("data", moved);
    upstream.on("drain", moved);
    if (isChunked(request.headers))
      request.prependListener("end", () =>
        addTrailers(upstream, trailerFields(request, this.#target.removeHeaders)),
      );
    request.pipe(upstream);
  }

  /** Before http-proxy copies the head, and begins to pipe. */
  #answered(answered: IncomingMessage): void {
    this.#answer = answered;
    const response = this.#response;
    answered.on("error", nothing);
    const fields = answerFields(answered, this.#request);
    fields["connection"] = response.shouldKeepAlive ? "keep-alive" : "close";
    answered.headers = fields;
    // Node would throw at these when it writes them.
    if ((answered.statusCode ?? 0) < 200) answered.statusCode = 502;
    if (NOT_IN_A_REASON.test(answered.statusMessage ?? ""))
      answered.statusMessage = STATUS_CODES[answered.statusCode as number] ?? "";
    answered.on("data", () => this.#timer?.refresh());
    response.on("drain", () => this.#timer?.refresh());
    answered.prependListener("end", () => {
      if (response.chunkedEncoding) addTrailers(response, trailerFields(answered));
    });
    answered.once("close", () => {
      if (!answered.complete) this.#broke("reset", "broke off its answer");
    });
  }

  /** http-proxy heard of it; after an answer has begun, or something else has ended it, it says nothing new. */
  #failed(error: Error): void {
    if (this.#over) return;
    const detail = (error as NodeJS.ErrnoException).code ?? error.message;
    if (!this.#sent) {
      this.#unsent("connect-failure", `accepted no connection: ${detail}`);
    } else if (this.#upstream?.reusedSocket === true && this.#mayRepeat && this.#answer === null) {
      // Closed just when we took it up again.
      this.#sent = false;
      this.#send(this.#room.single);
    } else {
      this.#broke("reset", `gave no whole answer: ${detail}`);
    }
  }

  #broke(reason: Failure, what: string): void {
    if (this.#over) return;
    this.#fail(reason, `${this.#endpoint} ${what}`);
  }

  #unsent(reason: Failure, what: string): void {
    this.#end({ kind: "unsent", reason, why: `${this.#endpoint}: ${what}` });
    this.#upstream?.destroy();
  }

  #fail(reason: Failure, why: string): void {
    this.#end({ kind: "failed", reason, why });
    if (this.#response.headersSent) this.#breakOff();
    else {
      this.#upstream?.destroy();
      answer(this.#response, replyTo(reason, why));
      this.#dropUpload();
    }
  }

  /** Half an answer must not look like a whole one, as it would to a client of HTTP/1.0 after an orderly end. */
  #breakOff(): void {
    this.#upstream?.destroy();
    this.#request.socket.resetAndDestroy();
    this.#response.destroy();
  }

  readonly #closed = (): void => {
    if (this.#over) return;
    const whole = this.#response.writableFinished;
    this.#end(whole ? { kind: "answered", status: this.#response.statusCode } : { kind: "client-closed" });
    // A connection whose exchange is whole is the agent's already, and must not be touched.
    if (whole && this.#answer?.complete && this.#upstream?.writableFinished) return;
    this.#upstream?.destroy();
    this.#dropUpload();
  };

  /** What nobody wants any more is read, and forgotten, so that the client comes to read its answer. */
  #dropUpload(): void {
    const request = this.#request;
    if (request.complete || request.destroyed) return;
    if (this.#upstream) request.unpipe(this.#upstream);
    request.resume();
    const limit = this.#room.clock.timer(this.#room.stallTimeout, () => request.destroy(), { unref: true });
    request.once("close", () => limit.clear());
  }

  #limit(span: number, reason: "connect-timeout" | "stalled", what: string): void {
    this.#timer?.clear();
    this.#timer = this.#room.clock.timer(span, () => {
      const sentence = `${what} for ${formatDuration(span)}`;
      if (reason === "stalled") this.#broke(reason, sentence);
      else this.#unsent(reason, sentence);
    });
  }

  get #endpoint(): string {
    return formatHostPort(this.#target);
  }

  #end(outcome: Outcome): void {
    this.#over = true;
    this.#timer?.clear();
    this.#room.inFlight.delete(this);
    this.#response.off("close", this.#closed);
    this.#settle(outcome);
    this.#room.ended();
  }
}

function addTrailers(to: OutgoingMessage, fields: NodeJS.Dict<string[]>): void {
  to.addTrailers(
    Object.entries(fields).flatMap(
      ([name, values]) => values?.map((value) => [name, value] as [string, string]) ?? [],
    ),
  );
}

function nothing(): void {}
