/** A listening socket on the pod network: opened with a clear word where it cannot be, closed without losing who is on the way. */
import { Server, type AddressInfo } from "node:net";
import { formatHostPort, OutriggerError, type Clock, type Logger, type Metrics } from "@outrigger/core";

/** What the ports of a leader are given. */
export interface PortDeps {
  readonly clock: Clock;
  readonly log: Logger;
  readonly metrics: Metrics;
}

/** Longest queue of connections not yet accepted. */
const BACKLOG = 511;
/** Turns of the event loop without a new connection, after which nobody is left in that queue. */
const QUIET_TURNS = 3;
/** No such address family: a pod without IPv6. */
const FAMILY_MISSING: ReadonlySet<unknown> = new Set(["EAFNOSUPPORT", "EADDRNOTAVAIL"]);

/** `host` undefined: all addresses. Port 0: a free one. */
export interface PodAddress {
  readonly host?: string | undefined;
  readonly port: number;
}

/**
 * @param what for the error: `the gate port`
 * @returns where it listens, `0.0.0.0:8080`
 * @throws OutriggerError `cannot-listen`
 */
export async function openPort(
  server: Server,
  { host, port }: PodAddress,
  what: string,
  log: Logger,
): Promise<string> {
  try {
    await listen(server, host ?? "::", port).catch((thrown: unknown) => {
      if (host !== undefined || !FAMILY_MISSING.has(OutriggerError.from(thrown).code)) throw thrown;
      return listen(server, "0.0.0.0", port);
    });
  } catch (thrown) {
    const { code, message } = OutriggerError.from(thrown);
    const remedies: Record<string, string> = {
      EADDRINUSE:
        "another process of this pod listens there: choose another port, or move the workload to another and name that as its target",
      EACCES: "this user may not have a port below 1024: choose a higher one",
      EADDRNOTAVAIL: "the pod has no such address: leave the host out",
    };
    const where = host === undefined ? `port ${port}` : formatHostPort({ host, port });
    throw new OutriggerError(
      "cannot-listen",
      `${what} cannot listen on ${where}: ${remedies[code] ?? message}`,
      {
        cause: thrown,
      },
    );
  }
  server.on("error", (error) => log.error({ err: error.message }, `${what} could not accept a connection`));
  const bound = server.address() as AddressInfo;
  return formatHostPort({ host: bound.address, port: bound.port });
}

function listen(server: Server, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen({ host, port, backlog: BACKLOG }, () => {
      server.off("error", reject);
      resolve();
    });
  });
}

/**
 * The port is free afterwards; connections stay. Who has connected, and was not accepted yet, would be reset by a close:
 * turns of the event loop accept them.
 */
export async function closePort(server: Server, signal?: AbortSignal): Promise<void> {
  if (!server.listening) return;
  let accepted = 0;
  server.on("connection", () => accepted++);
  for (let quiet = 0; quiet < QUIET_TURNS && accepted <= BACKLOG && signal?.aborted !== true;) {
    const before = accepted;
    await turn();
    quiet = accepted === before ? quiet + 1 : 0;
  }
  // Not http's own, which closes connections without a request at once: the next may be on its way.
  Server.prototype.close.call(server);
  await turn();
}

const turn = (): Promise<void> => new Promise((resolve) => void setImmediate(resolve));
