/** A workload that says what it was sent. */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

export interface Seen {
  readonly method: string;
  readonly target: string;
  readonly raw: readonly string[];
  readonly headers: IncomingMessage["headers"];
  readonly body: Buffer;
}

export type Behaviour = (seen: Seen, response: ServerResponse) => void;

export class Workload {
  readonly seen: Seen[] = [];
  behave: Behaviour = (_seen, response) => void response.end("ok");
  readonly #server = createServer((request, response) => {
    const pieces: Buffer[] = [];
    request.on("data", (piece: Buffer) => pieces.push(piece));
    request.on("end", () => {
      const seen: Seen = {
        method: request.method as string,
        target: request.url as string,
        raw: request.rawHeaders,
        headers: request.headers,
        body: Buffer.concat(pieces),
      };
      this.seen.push(seen);
      this.behave(seen, response);
    });
  });

  static async start(port = 0): Promise<Workload> {
    const workload = new Workload();
    await new Promise<void>((resolve) => workload.#server.listen(port, "127.0.0.1", () => resolve()));
    return workload;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async end(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }
}
