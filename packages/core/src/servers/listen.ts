/** Binds the container's own HTTP servers, and ends them. node:http is right here: throughput does not matter. */
import { createServer, type RequestListener, type Server } from "node:http";
import { chmodSync, statSync, unlinkSync } from "node:fs";
import { connect } from "node:net";
import { dirname } from "node:path";
import { formatHostPort } from "../config/schema-blocks.ts";
import { OutriggerError } from "../errors.ts";
import { silentLogger, type Logger } from "../log/logger.ts";
import type { Bytes } from "../units.ts";
import { serveInTurn } from "./connections.ts";

/** A running server on one or more sockets. */
export interface BoundServer {
  /** `127.0.0.1:14011`, `[::1]:14011`, `unix:/run/x.sock` */
  readonly addresses: readonly string[];
  readonly port: number | undefined;
  close(): Promise<void>;
}

export type ListenAddress =
  | { readonly kind: "loopback"; readonly port: number }
  | { readonly kind: "all"; readonly port: number }
  | { readonly kind: "host"; readonly host: string; readonly port: number }
  | { readonly kind: "unix"; readonly path: string };

/** No such address family or address on this machine: without IPv6 one loopback is all there is. */
const FAMILY_MISSING: ReadonlySet<string> = new Set(["EAFNOSUPPORT", "EADDRNOTAVAIL"]);

/** @throws OutriggerError `listen-failed` saying which server could not have which address, and what to do */
export async function listen(
  purpose: string,
  address: ListenAddress,
  handler: RequestListener,
  log: Logger = silentLogger,
): Promise<BoundServer> {
  const servers: Server[] = [];
  const close = async (): Promise<void> => {
    await Promise.all(
      servers.splice(0).map(
        (server) =>
          new Promise<void>((resolve) => {
            server.close(() => resolve());
            server.closeAllConnections();
          }),
      ),
    );
  };
  const open = async (where: { host?: string; port?: number; path?: string }): Promise<string> => {
    const server = createServer({
      maxHeaderSize: 16_384,
      headersTimeout: 10_000,
      requestTimeout: 60_000,
      connectionsCheckingInterval: 2_000,
      requireHostHeader: false,
    });
    serveInTurn(purpose, server, handler, log);
    await new Promise<void>((resolve, reject) => {
      server.once("error", reject);
      server.listen(where, () => {
        server.off("error", reject);
        resolve();
      });
    });
    servers.push(server);
    reportFailedAccepts(purpose, server, log);
    return showAddress(server);
  };
  try {
    const addresses = await bind(address, open, close);
    const bound = servers[0]?.address();
    return { addresses, port: typeof bound === "object" ? bound?.port : undefined, close };
  } catch (thrown) {
    await close();
    throw explainListenFailure(purpose, address, thrown);
  }
}

/** accept(2) failed, as with EMFILE: no reason to end, and said once until a connection is accepted again. */
function reportFailedAccepts(purpose: string, server: Server, log: Logger): void {
  let failing = false;
  server.on("error", (error) => {
    if (!failing) log.error({ server: purpose, err: error.message }, "a connection could not be accepted");
    failing = true;
  });
  server.on("connection", () => (failing = false));
}

type Open = (where: { host?: string; port?: number; path?: string }) => Promise<string>;

async function bind(address: ListenAddress, open: Open, closeAll: () => Promise<void>): Promise<string[]> {
  switch (address.kind) {
    case "host":
      return [await open({ host: address.host, port: address.port })];
    case "all":
      try {
        return [await open({ host: "::", port: address.port })];
      } catch (thrown) {
        if (!FAMILY_MISSING.has(OutriggerError.from(thrown).code)) throw thrown;
        return [await open({ host: "0.0.0.0", port: address.port })];
      }
    case "unix":
      await prepareSocketPath(address.path);
      await open({ path: address.path });
      chmodSync(address.path, 0o660);
      return [`unix:${address.path}`];
    case "loopback":
      for (let attempt = 0; ; attempt++) {
        const first = await open({ host: "127.0.0.1", port: address.port });
        const port = Number(first.slice(first.lastIndexOf(":") + 1));
        try {
          return [first, await open({ host: "::1", port })];
        } catch (thrown) {
          const { code } = OutriggerError.from(thrown);
          if (FAMILY_MISSING.has(code)) return [first];
          // Port 0: the free port that IPv4 gave is another's on IPv6. Try the next.
          if (code !== "EADDRINUSE" || address.port !== 0 || attempt >= 9) throw thrown;
          await closeAll();
        }
      }
  }
}

function showAddress(server: Server): string {
  const bound = server.address();
  if (bound === null) return "closed";
  return typeof bound === "string"
    ? `unix:${bound}`
    : formatHostPort({ host: bound.address, port: bound.port });
}

/** sockaddr_un's sun_path, without its NUL (unix(7)); other systems have a few bytes less. */
const LONGEST_SOCKET_PATH: Bytes = 107;

/**
 * Makes the path free: a socket file that nobody answers on is what a killed predecessor left behind.
 * @throws OutriggerError `socket-path` where no socket can be
 */
async function prepareSocketPath(path: string): Promise<void> {
  const refuse = (why: string): never => {
    throw new OutriggerError("socket-path", `unix:${path}: ${why}`);
  };
  const length = Buffer.byteLength(path);
  if (length > LONGEST_SOCKET_PATH)
    refuse(
      `the path has ${length} bytes, and a socket's has at most ${LONGEST_SOCKET_PATH}: choose a shorter one`,
    );
  const folder = dirname(path);
  if (!statSync(folder, { throwIfNoEntry: false })?.isDirectory())
    refuse(`there is no folder ${folder}: create it, or mount an emptyDir there`);
  const there = statSync(path, { throwIfNoEntry: false });
  if (!there) return;
  if (!there.isSocket())
    refuse(
      `a ${there.isDirectory() ? "folder" : "file"} that is no socket is there, and is not replaced: remove it, or choose another path`,
    );
  const answered = await new Promise<boolean>((resolve) => {
    const socket = connect({ path }, () => {
      socket.destroy();
      resolve(true);
    });
    socket.once("error", () => resolve(false));
  });
  if (!answered) unlinkSync(path);
}

function explainListenFailure(purpose: string, address: ListenAddress, thrown: unknown): OutriggerError {
  const { code, message } = OutriggerError.from(thrown);
  const where = address.kind === "unix" ? `unix:${address.path}` : `port ${address.port}`;
  const why: Record<string, string> = {
    EADDRINUSE: `${where} is taken by another process: choose another with --${purpose}`,
    EACCES:
      address.kind === "unix"
        ? `${where}: this user may not write to ${dirname(address.path)}: choose another folder with --${purpose}`
        : `${where} is not permitted to this user: choose another with --${purpose}`,
    EADDRNOTAVAIL: `this machine has no address ${"host" in address ? address.host : where}: choose another with --${purpose}`,
  };
  return new OutriggerError("listen-failed", `the ${purpose} server cannot listen: ${why[code] ?? message}`, {
    cause: thrown,
  });
}
