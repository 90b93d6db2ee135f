/** Which errors of a driver tell of its connection, or of a server that starts or ends, and not of what was asked. */
import { OutriggerError } from "@outrigger/core";

/** Of Redis: it is there, and not for now. */
const NOT_NOW = /^(?:LOADING|MASTERDOWN|BUSY)\b/;
/** Before Redis 7 the error of a script has that of its command in its midst. */
const DEMOTED = /(?:^|[ -])READONLY /;
/**
 * Of PostgreSQL (appendix A): connection exceptions but for a violation of the protocol; no room for one more connection; it shuts
 * down, or takes no connections yet; it is a standby, which its name will leave.
 */
const AWAY = /^(?:08(?!P01)|53300|57P|25006)/;

const OF_SOCKETS: ReadonlySet<string> = new Set([
  ...["ECONNREFUSED", "ECONNRESET", "EPIPE", "ETIMEDOUT", "ENOTFOUND", "EAI_AGAIN"],
  ...["EHOSTUNREACH", "ENETUNREACH", "EADDRNOTAVAIL", "ERR_STREAM_DESTROYED", "ERR_STREAM_WRITE_AFTER_END"],
]);

/** @param thrown by pg or ioredis, or by BullMQ where they are asked */
export function isLost(thrown: unknown): boolean {
  // Each of a name's addresses.
  if (thrown instanceof AggregateError) return true;
  if (!(thrown instanceof Error) || thrown instanceof OutriggerError) return false;
  const { name, message, code } = thrown as NodeJS.ErrnoException;
  if ("severity" in thrown) return AWAY.test(code ?? "");
  if (name === "ReplyError") return NOT_NOW.test(message) || isDemoted(message);
  if (code !== undefined) return OF_SOCKETS.has(code);
  // Of no kind of its own: the drivers' words of a connection that ended. A fault of the program has one.
  return (
    (thrown.constructor === Error && !message.startsWith("Redis version")) ||
    name === "MaxRetriesPerRequestError"
  );
}

/** @param message of an error that Redis answered: it is a replica, and another is the primary by now, perhaps by the same name */
export const isDemoted = (message: string): boolean => DEMOTED.test(message);

/** @returns what says that the backend is away, or, where it is not, what was thrown */
export function lostOr(thrown: unknown): unknown {
  if (!isLost(thrown)) return thrown;
  return new OutriggerError("backend-unreachable", `it is not reached: ${wordsOf(thrown)}`, {
    cause: thrown,
  });
}

/** What was said; of a name with several addresses, of each. */
export function wordsOf(thrown: unknown): string {
  if (thrown instanceof AggregateError) return (thrown.errors as unknown[]).map(wordsOf).join("; ");
  return thrown instanceof Error ? thrown.message : String(thrown);
}
