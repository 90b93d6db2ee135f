/** Failures to connect that say nothing about the endpoint: this process or machine has no socket left. */

// Not EADDRNOTAVAIL: that is of one destination (no port left for it, or no such family here), and another may do.
const NO_SOCKET: ReadonlySet<unknown> = new Set(["EMFILE", "ENFILE", "ENOBUFS", "ENOMEM"]);

/** Whether an error of a connect is of that kind. */
export function isNoSocket(error: Error): boolean {
  return "code" in error && NO_SOCKET.has(error.code);
}
