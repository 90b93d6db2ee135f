/**
 * The workload: N connections kept alive, on each one request after the other, every request numbered and its answer
 * checked to the last byte. Raw sockets, so that what is sent and what came back is known exactly.
 */
import { connect, type Socket } from "node:net";
import { answerBody, targetOf } from "./answer.ts";
import { AnswerReader, type Answer } from "./answer-reader.ts";

/**
 * status: another than 200. wrong: not the answer to this request. cut: the connection broke in the middle of the
 * answer. closed: it broke before the first byte. hung: nothing for `patience`.
 */
export type FailureKind = "status" | "wrong" | "cut" | "closed" | "hung";

export interface Failure {
  readonly id: number;
  readonly kind: FailureKind;
  readonly status: number;
  readonly at: number;
  readonly detail: string;
}

export interface WorkloadOptions {
  readonly port: number;
  readonly connections: number;
  readonly method?: "GET" | "POST";
  /** Bytes of an answer's body. Default 200. */
  readonly size?: (id: number) => number;
  readonly shape?: (id: number) => "sized" | "chunked";
  /** Milliseconds after which a request counts as hung. Default 10,000. */
  readonly patience?: number;
  /** Pause between an answer and the next request on the same connection, in milliseconds. Default 0: none. */
  readonly pause?: () => number;
  /** Number of the first request, where several workloads are counted together. Default 1. */
  readonly firstId?: number;
}

const REQUEST_BODY = "x".repeat(120);

export class Workload {
  readonly failures: Failure[] = [];
  /** Of each request that was answered rightly: when it was sent and how long it took (milliseconds). */
  readonly sentAt: number[] = [];
  readonly took: number[] = [];
  /** Which backend said that it answered request N; absent where it failed. */
  readonly answeredBy = new Map<number, string>();
  /** Dials that nobody accepted. No request was on its way, so none failed. */
  refused = 0;
  #sent = 0;
  readonly #options: WorkloadOptions;
  readonly #clients: Client[] = [];
  #stopping = false;

  constructor(options: WorkloadOptions) {
    this.#options = options;
  }

  /** Requests sent. */
  get sent(): number {
    return this.#sent;
  }

  get inFlight(): number {
    return this.#clients.filter((client) => client.busy).length;
  }

  get connected(): number {
    return this.#clients.filter((client) => client.connected).length;
  }

  get stopping(): boolean {
    return this.#stopping;
  }

  start(): this {
    this.grow(this.#options.connections);
    return this;
  }

  /** Opens so many connections more; each makes its first request at once. */
  grow(count: number): void {
    for (let index = 0; index < count; index++) this.#clients.push(new Client(this, this.#options));
  }

  /** Lets what is in flight come to its end, then closes the connections. */
  async stop(): Promise<void> {
    this.#stopping = true;
    await Promise.all(this.#clients.map((client) => client.stopped()));
  }

  nextId(): number {
    return this.#sent++ + (this.#options.firstId ?? 1);
  }

  succeeded(id: number, backend: string, sentAt: number): void {
    this.sentAt.push(sentAt);
    this.took.push(performance.now() - sentAt);
    this.answeredBy.set(id, backend);
  }

  failed(id: number, kind: FailureKind, status: number, detail: string): void {
    this.failures.push({ id, kind, status, at: performance.now(), detail });
  }
}

class Client {
  readonly #workload: Workload;
  readonly #options: WorkloadOptions;
  #socket: Socket | null = null;
  #open = false;
  #reader = new AnswerReader();
  /** The request under way; 0: none. */
  #id = 0;
  #sentAt = 0;
  #patience: NodeJS.Timeout;
  #pause: NodeJS.Timeout | null = null;
  #onStopped: (() => void) | null = null;

  constructor(workload: Workload, options: WorkloadOptions) {
    this.#workload = workload;
    this.#options = options;
    this.#patience = setTimeout(() => this.#fail("hung", 0, "no answer"), options.patience ?? 10_000);
    this.#dial();
  }

  get busy(): boolean {
    return this.#id !== 0;
  }

  get connected(): boolean {
    return this.#open;
  }

  stopped(): Promise<void> {
    return new Promise((resolve) => {
      this.#onStopped = resolve;
      if (!this.busy) this.#finish();
    });
  }

  #dial(): void {
    const socket = connect({ host: "127.0.0.1", port: this.#options.port, noDelay: true });
    this.#socket = socket;
    this.#open = false;
    this.#reader = new AnswerReader();
    socket.on("connect", () => {
      this.#open = true;
      this.#next();
    });
    socket.on("data", (chunk: Buffer) => this.#read(chunk));
    socket.on("error", (error: NodeJS.ErrnoException) => this.#broke(socket, error.code ?? error.message));
    socket.on("end", () => this.#broke(socket, "end"));
    socket.on("close", () => this.#broke(socket, "close"));
  }

  #broke(socket: Socket, why: string): void {
    if (socket !== this.#socket) return;
    const wasOpen = this.#open;
    this.#drop();
    if (this.busy) {
      this.#fail(this.#reader.midway ? "cut" : "closed", 0, why);
      return;
    }
    if (!wasOpen) this.#workload.refused++;
    this.#later(20);
  }

  #drop(): void {
    this.#socket?.destroy();
    this.#socket = null;
    this.#open = false;
  }

  #later(milliseconds: number): void {
    if (this.#pause) clearTimeout(this.#pause);
    this.#pause = setTimeout(() => this.#next(), milliseconds);
  }

  #next(): void {
    if (this.#workload.stopping) {
      this.#finish();
      return;
    }
    if (!this.#socket) {
      this.#dial();
      return;
    }
    if (this.busy || !this.#open) return;
    const { method = "GET", size = () => 200, shape = () => "sized" as const } = this.#options;
    const id = this.#workload.nextId();
    this.#id = id;
    this.#sentAt = performance.now();
    this.#patience.refresh();
    const target = targetOf({ id, size: size(id), shape: shape(id) });
    const body = method === "POST" ? REQUEST_BODY : "";
    const length = method === "POST" ? `content-length: ${body.length}\r\n` : "";
    this.#socket.write(`${method} ${target} HTTP/1.1\r\nhost: catalog\r\n${length}\r\n${body}`, "latin1");
  }

  #read(chunk: Buffer): void {
    if (!this.busy) {
      // An answer that nobody asked for must not be counted as the next one's.
      this.#workload.failed(0, "wrong", 0, "bytes without a request");
      this.#drop();
      this.#later(20);
      return;
    }
    let answer: Answer | null;
    try {
      answer = this.#reader.push(chunk);
    } catch (thrown) {
      this.#fail("wrong", 0, thrown instanceof Error ? thrown.message : String(thrown));
      return;
    }
    if (answer) this.#answered(answer);
  }

  #answered(answer: Answer): void {
    const id = this.#id;
    if (answer.close) this.#drop();
    if (answer.status !== 200) {
      this.#id = 0;
      this.#workload.failed(id, "status", answer.status, answer.body.slice(0, 300));
    } else {
      const backend = answer.fields.get("x-backend") ?? "";
      const expected = answerBody(id, backend, this.#options.size?.(id) ?? 200);
      if (answer.body !== expected) {
        this.#fail("wrong", 200, `not the answer to ${id}: ${JSON.stringify(answer.body.slice(0, 80))}`);
        return;
      }
      this.#id = 0;
      this.#workload.succeeded(id, backend, this.#sentAt);
    }
    const pause = this.#options.pause?.() ?? 0;
    if (pause > 0) this.#later(pause);
    else this.#next();
  }

  #fail(kind: FailureKind, status: number, detail: string): void {
    if (!this.busy) return;
    const id = this.#id;
    this.#id = 0;
    this.#workload.failed(id, kind, status, detail);
    this.#drop();
    if (this.#workload.stopping) this.#finish();
    else this.#later(1);
  }

  #finish(): void {
    clearTimeout(this.#patience);
    if (this.#pause) clearTimeout(this.#pause);
    this.#drop();
    this.#onStopped?.();
  }
}
