/** What leaders act upon: it refuses a token that is lower than the highest that it has seen. */
import { createServer, type Server, type Socket } from "node:net";
import { once } from "node:events";
import type { Act } from "./ledger.ts";

export class Resource {
  readonly acts: Act[] = [];
  readonly path: string;
  #highest = -1n;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();

  private constructor(path: string) {
    this.path = path;
    this.#server = createServer((socket) => {
      this.#sockets.add(socket);
      let rest = "";
      socket.on("data", (chunk: Buffer) => {
        const lines = (rest + chunk.toString()).split("\n");
        rest = lines.pop() as string;
        for (const line of lines) this.#act(BigInt(line));
      });
      socket.on("error", () => {});
      socket.on("close", () => this.#sockets.delete(socket));
    });
  }

  static async listen(path: string): Promise<Resource> {
    const resource = new Resource(path);
    resource.#server.listen(path);
    await once(resource.#server, "listening");
    return resource;
  }

  get refused(): number {
    return this.acts.filter(({ accepted }) => !accepted).length;
  }

  #act(token: bigint): void {
    const accepted = token >= this.#highest;
    if (accepted) this.#highest = token;
    this.acts.push({ at: process.hrtime.bigint(), token, accepted });
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
  }
}
