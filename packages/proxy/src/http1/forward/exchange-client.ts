/** What an exchange needs of the client it answers: a client connection, seen from below. */
import type { Clock, Milliseconds } from "@outrigger/core";
import type { RequestRewrite } from "../codec/rewrite.ts";
import type { ConnectionPool } from "./connection-pool.ts";
import type { Http1Metrics } from "./http1-metrics.ts";
import type { Reply } from "./reply.ts";
import type { Settings } from "./settings.ts";
import type { UpstreamConnection } from "./upstream-connection.ts";

export interface ExchangeClient {
  readonly clock: Clock;
  readonly metrics: Http1Metrics;
  readonly pool: ConnectionPool;
  readonly draining: boolean;
  /** Whether the connection outlives the answer that is being written. */
  keepAlive: boolean;
  /** What was written last is still in use by the socket. */
  readonly hasUnsentBytes: boolean;
  /** So much waits to be written that the sender must pause; `clientDrained` tells when all of it is gone. */
  readonly isFull: boolean;
  rewriteUnder(settings: Settings): RequestRewrite;
  writeText(text: string): void;
  /** @param bytes a string has one in each char */
  writeBytes(bytes: Uint8Array | string): void;
  /** Copies the bytes to write them with others at the end of the turn; false: they are for the caller to write now. */
  writeSoon(bytes: Buffer, start: number, end: number): boolean;
  cork(): void;
  uncork(): void;
  pause(): void;
  resume(): void;
  /** An answer of the proxy itself. `requestDone`: the whole request has been read. */
  reply(reply: Reply, requestDone: boolean, bodiless: boolean, added: string): void;
  /** The answer is written. `requestDone` false: the rest of the request is not wanted. */
  exchangeDone(requestDone: boolean, now: Milliseconds): void;
  /** From here on both connections carry plain bytes; `closed` is called once, when both are done. */
  openTunnel(upstream: UpstreamConnection, settings: Settings, closed: () => void): void;
  logAccess(now: Milliseconds): void;
  logTruncated(): void;
  destroy(): void;
}
