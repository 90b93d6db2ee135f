/** Which errors of a driver tell of its connection, or of a server that starts or ends, and not of what was asked. */
import { OutriggerError } from "@outrigger/core";

/** Of Redis: it is there, and not for now. */
const NOT_NOW = /^(?:LOADING|READONLY|MASTERDOWN|BUSY)\b/;
/** Of PostgreSQL (appendix A): connection exceptions; it shuts down, or does not take connections yet. */
const AWAY = /^(?:08|57P)/;

/** @param thrown by pg or ioredis, or by BullMQ where they are asked */
export function isLost(thrown: unknown): boolean {
  // Each of a name's addresses.
  if (thrown instanceof AggregateError) return true;
  if (!(thrown instanceof Error) || thrown instanceof OutriggerError) return false;
  const { name, message, code } = thrown as NodeJS.ErrnoException;
  if ("severity" in thrown) return AWAY.test(code ?? "");
  if (name === "ReplyError") return NOT_NOW.test(message);
  // Of no kind of its own; a fault of the program has one.
  return thrown.constructor === Error || name === "MaxRetriesPerRequestError";
}

/** @returns what says that the backend is away, or, where it is not, what was thrown */
export function lostOr(thrown: unknown): unknown {
  if (!isLost(thrown)) return thrown;
  const { message } = OutriggerError.from(thrown);
  return new OutriggerError("backend-unreachable", `its connection was lost: ${message}`, { cause: thrown });
}
