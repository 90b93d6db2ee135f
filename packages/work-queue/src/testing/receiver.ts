/** Somebody whom webhooks tell. */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

export interface Told {
  readonly method: string | undefined;
  readonly path: string | undefined;
  readonly headers: IncomingMessage["headers"];
  readonly text: string;
  readonly body: { id: string; state: string; attempts: number; status?: number; reason?: string };
}

export class Receiver {
  readonly told: Told[] = [];
  answer: (response: ServerResponse, told: Told) => void = (response) => void response.end();
  readonly #server = createServer((request, response) => {
    let text = "";
    request.on("data", (chunk: Buffer) => (text += chunk.toString()));
    request.on("end", () => {
      const { method, url, headers } = request;
      const told: Told = { method, path: url, headers, text, body: JSON.parse(text) as Told["body"] };
      this.told.push(told);
      this.answer(response, told);
    });
  });

  static async start(): Promise<Receiver> {
    const receiver = new Receiver();
    await new Promise<void>((resolve) => receiver.#server.listen(0, "127.0.0.1", resolve));
    return receiver;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/hook?x=1`;
  }

  async end(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }
}
