/**
 * http-proxy behind one face, repaired: for ports on which throughput does not matter. Requests and their answers stream;
 * WebSockets go on as tunnels; each ends in one Outcome, and is counted until then.
 */
import { Agent, type IncomingMessage, type ServerResponse } from "node:http";
import type { Socket } from "node:net";
import { systemClock, type Clock, type Milliseconds } from "@outrigger/core";
import { createHttpProxy } from "./http-proxy.ts";
import { answer, replyTo } from "./reply.ts";
import { RequestInFlight } from "./request.ts";
import type { InFlight, Room } from "./room.ts";
import type { Outcome, Target } from "./target.ts";
import { TunnelInFlight } from "./tunnel.ts";

export interface PassThroughOptions {
  readonly clock?: Clock;
  /** Until a connection is accepted. Default: 2 s. */
  readonly connectTimeout?: Milliseconds;
  /** How long nothing may move, either way, before 504 is answered or the client is cut. Default: 5 min. Tunnels have no such limit. */
  readonly stallTimeout?: Milliseconds;
}

/** Connections are kept for as long as http1's: an endpoint that closes after 5 s, as Node's do, has closed none of these. */
const KEPT_FOR: Milliseconds = 4_000;

export interface PassThrough {
  /** Always answers: 502 or 504 with the reason, where the endpoint did not. Never rejects. */
  forward(request: IncomingMessage, response: ServerResponse, target: Target): Promise<Outcome>;
  /** As `forward`, but an `unsent` request is not answered: the caller sends it elsewhere, or answers. */
  attempt(request: IncomingMessage, response: ServerResponse, target: Target): Promise<Outcome>;
  /**
   * What a server's `upgrade` event brings. An endpoint's refusal is passed on, its absence is a 502. Never rejects. Only
   * WebSockets: see `isWebSocket`.
   * @param unsentReply what is answered where nothing has reached the endpoint
   */
  upgrade(
    request: IncomingMessage,
    socket: Socket,
    head: Buffer,
    target: Target,
    unsentReply?: typeof replyTo,
  ): Promise<Outcome>;
  /** Requests and tunnels. */
  readonly inFlight: number;
  readonly tunnels: number;
  /** Ends all tunnels at once, and returns how many. */
  cutTunnels(): number;
  /** Resolves when nothing is in flight, with 0; or, when `signal` aborts, cuts the rest and tells how many. New ones may come, also after it. */
  drain(signal: AbortSignal): Promise<number>;
  /** Cuts what is in flight, and closes what is kept. */
  stop(): void;
}

/** Loads http-proxy, at its first call. */
export async function createPassThrough(options: PassThroughOptions = {}): Promise<PassThrough> {
  const { clock = systemClock, connectTimeout = 2_000, stallTimeout = 300_000 } = options;
  const inFlight = new Set<InFlight>();
  const waiting = new Set<() => void>();
  const proxy = await createHttpProxy();
  const kept = new Agent({ keepAlive: true, timeout: KEPT_FOR });
  const single = new Agent({ keepAlive: false });
  const tunnels = new Agent({ keepAlive: false, allowHalfOpen: true } as object);
  const ended = (): void => {
    if (inFlight.size === 0) for (const done of waiting) done();
  };
  const room: Room = { proxy, clock, connectTimeout, stallTimeout, kept, single, tunnels, inFlight, ended };
  proxy.on("proxyReqWs", (upstream, standIn) => TunnelInFlight.of(standIn)?.takeOver(upstream));

  const cut = (only: (each: InFlight) => boolean): number => {
    const chosen = [...inFlight].filter(only);
    for (const each of chosen) each.cut();
    return chosen.length;
  };
  const attempt = (request: IncomingMessage, response: ServerResponse, target: Target): Promise<Outcome> =>
    new RequestInFlight(room, request, response, target).outcome;

  return {
    attempt,
    async forward(request, response, target) {
      const outcome = await attempt(request, response, target);
      if (outcome.kind === "unsent") answer(response, replyTo(outcome.reason, outcome.why));
      return outcome;
    },
    upgrade: (request, socket, head, target, unsentReply) =>
      new TunnelInFlight(room, request, socket, head, target, unsentReply).outcome,
    get inFlight() {
      return inFlight.size;
    },
    get tunnels() {
      return [...inFlight].filter(({ isTunnel }) => isTunnel).length;
    },
    cutTunnels: () => cut(({ isTunnel }) => isTunnel),
    async drain(signal) {
      if (inFlight.size === 0) return 0;
      if (signal.aborted) return cut(() => true);
      let count = 0;
      await new Promise<void>((resolve) => {
        const done = (): void => {
          waiting.delete(done);
          signal.removeEventListener("abort", hurry);
          resolve();
        };
        const hurry = (): void => void (count = cut(() => true));
        waiting.add(done);
        signal.addEventListener("abort", hurry, { once: true });
      });
      return count;
    },
    stop() {
      cut(() => true);
      for (const agent of [kept, single, tunnels]) agent.destroy();
    },
  };
}
