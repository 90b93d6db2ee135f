/** How one attempt ended, as far as it says something about its endpoint. */

export type Outcome =
  /** An answer that does not count against the endpoint. */
  | "success"
  /** An answer that does (5xx). */
  | "server-error"
  /** Refused, unreachable, TLS failure, connect timeout: no byte was sent. */
  | "connect-failure"
  /** The connection broke, or what came was not the protocol. */
  | "reset"
  /** The per-try timeout. */
  | "timeout"
  /** We ended it (the client left, a hedge lost): says nothing about the endpoint. */
  | "cancelled";

export const OUTCOMES: readonly Outcome[] = [
  "success",
  "server-error",
  "connect-failure",
  "reset",
  "timeout",
  "cancelled",
];
