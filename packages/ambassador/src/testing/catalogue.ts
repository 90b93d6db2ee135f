/** A small HTTP backend that says who it is and counts who asked. */
import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";

export interface Catalogue {
  readonly server: Server;
  readonly name: string;
  readonly port: number;
  /** Targets asked for, in order. */
  readonly asked: string[];
  stop(): Promise<void>;
}

/** @param status what it answers; the body is its name */
export async function startCatalogue(name: string, status = 200): Promise<Catalogue> {
  const asked: string[] = [];
  const server = createServer((request, response) => {
    asked.push(request.url ?? "");
    response.writeHead(status, { "content-type": "text/plain" }).end(name);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    server,
    name,
    port: (server.address() as AddressInfo).port,
    asked,
    stop: async () => {
      const closed = once(server, "close");
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}
