/**
 * A TCP port that is open on the leader only: bytes go to the workload's own port and back, of whatever protocol. Elsewhere
 * connections are refused, so that clients with a list of addresses, and health checks of load balancers, find the leader.
 */
import { connect, createServer, type Server, type Socket } from "node:net";
import {
  formatDuration,
  formatHostPort,
  type Counter,
  type Family,
  type Gauge,
  type HostPort,
  type Milliseconds,
} from "@outrigger/core";
import type { Duty, EndReason, Term } from "./duty.ts";
import { closePort, openPort, type PodAddress, type PortDeps } from "./pod-port.ts";

export interface GatePortOptions {
  readonly listen: PodAddress;
  readonly workload: Required<HostPort>;
  /** Until the workload accepts. Default: 2 s. */
  readonly connectTimeout?: Milliseconds;
}

/** Dead peers are found by the kernel: silence before its first keep-alive probe. */
const KEEP_ALIVE_DELAY: Milliseconds = 60_000;

type Result = "piped" | "not-leader" | "workload-unreachable";

export class GatePort implements Duty {
  readonly name = "gate-port";
  readonly #options: GatePortOptions;
  readonly #deps: PortDeps;
  readonly #counted: Family<Counter, "result">;
  readonly #open: Gauge;
  readonly #cut: Counter;
  #server: Server | null = null;
  #address: string | null = null;
  /** Clients, each with its connection to the workload. */
  readonly #connections = new Map<Socket, Socket>();
  #allGone: () => void = () => {};

  constructor(options: GatePortOptions, deps: PortDeps) {
    this.#options = options;
    this.#deps = deps;
    this.#counted = deps.metrics.counter(
      "outrigger_gate_connections_total",
      "Connections that the gate port accepted, by what became of them",
      ["result"],
    );
    this.#open = deps.metrics
      .gauge("outrigger_gate_connections", "Connections open through the gate port")
      .with({});
    this.#cut = deps.metrics
      .counter(
        "outrigger_gate_connections_cut_total",
        "Connections that had not ended in time when the term did",
      )
      .with({});
  }

  /** Where it listens; null: it does not lead. */
  get address(): string | null {
    return this.#address;
  }

  /** Client connections that are open now. */
  get connections(): number {
    return this.#connections.size;
  }

  /** @throws OutriggerError `cannot-listen`: then the term is over, since this leader could not be reached */
  async begin(term: Term, _signal: AbortSignal): Promise<void> {
    const server = createServer({ allowHalfOpen: true, noDelay: true }, (client) =>
      this.#accept(client, term),
    );
    this.#server = server;
    this.#address = await openPort(server, this.#options.listen, "the gate port", this.#deps.log);
    const workload = formatHostPort(this.#options.workload);
    this.#deps.log.info({ address: this.#address, workload }, "the gate port is open");
  }

  async end(_term: Term, _why: EndReason, hurry: AbortSignal): Promise<void> {
    const server = this.#server;
    this.#server = null;
    this.#address = null;
    if (server) await closePort(server, hurry);
    const cut = await this.#drained(hurry);
    if (cut > 0) this.#cut.inc(cut);
    this.#deps.log.info({ cut }, "the gate port is closed");
  }

  async stop(): Promise<void> {
    this.#server?.close();
    this.#server = this.#address = null;
    this.#cutAll();
  }

  #accept(client: Socket, term: Term): void {
    client.on("error", nothing);
    // The end of the term may not have been noticed yet, as after a pause of the process.
    if (!term.isLeading) {
      this.#count("not-leader");
      client.resetAndDestroy();
      return;
    }
    const { workload, connectTimeout = 2_000 } = this.#options;
    const far = connect({ ...workload, allowHalfOpen: true, noDelay: true });
    this.#connections.set(client, far);
    this.#open.value = this.#connections.size;
    const limit = this.#deps.clock.timer(connectTimeout, () =>
      far.destroy(new Error(`accepted no connection for ${formatDuration(connectTimeout)}`)),
    );
    let reached = false;
    far.once("connect", () => {
      reached = true;
      limit.clear();
      this.#count("piped");
      for (const socket of [client, far]) socket.setKeepAlive(true, KEEP_ALIVE_DELAY);
      client.pipe(far);
      far.pipe(client);
    });
    far.on("error", (error: NodeJS.ErrnoException) => {
      // What breaks later, both sides see.
      if (reached) return;
      this.#count("workload-unreachable");
      this.#deps.log.warn(
        { err: error.code ?? error.message },
        "the workload behind the gate port is not reached",
      );
    });
    far.once("close", () => {
      limit.clear();
      if (isBroken(far)) client.resetAndDestroy();
      if (client.destroyed) this.#forget(client);
    });
    client.once("close", () => {
      if (isBroken(client)) cut(far);
      if (far.destroyed) this.#forget(client);
    });
  }

  /** @returns how many it had to cut */
  async #drained(hurry: AbortSignal): Promise<number> {
    if (this.#connections.size === 0) return 0;
    if (hurry.aborted) return this.#cutAll();
    let cut = 0;
    await new Promise<void>((resolve) => {
      const rush = (): void => void (cut = this.#cutAll());
      hurry.addEventListener("abort", rush, { once: true });
      this.#allGone = () => {
        hurry.removeEventListener("abort", rush);
        resolve();
      };
    });
    return cut;
  }

  #cutAll(): number {
    const open = [...this.#connections];
    for (const [client, far] of open) {
      cut(far);
      cut(client);
      this.#forget(client);
    }
    return open.length;
  }

  #forget(client: Socket): void {
    if (!this.#connections.delete(client)) return;
    this.#open.value = this.#connections.size;
    if (this.#connections.size === 0) this.#allGone();
  }

  #count(result: Result): void {
    this.#counted.with({ result }).inc();
  }
}

/** Also after its end: who has said all that he has to say may still break off what he is told. */
const isBroken = (socket: Socket): boolean => !socket.readableEnded || socket.errored !== null;

/** A reset: half of a message must not look like the whole. Of a socket that only connects, it would wait for that. */
function cut(socket: Socket): void {
  if (socket.connecting) socket.destroy();
  else socket.resetAndDestroy();
}

function nothing(): void {}
