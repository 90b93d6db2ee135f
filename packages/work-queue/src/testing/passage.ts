/** A way to a server that can be lost: what is open stays open and leads nowhere, and whoever dials anew gets through. */
import { once } from "node:events";
import { connect, createServer, type AddressInfo, type Server, type Socket } from "node:net";

export class Passage {
  readonly url: string;
  readonly #server: Server;
  readonly #open: Set<Socket>;
  readonly #silenced = new Set<Socket>();
  #piecesLeft = Infinity;

  private constructor(url: string, server: Server, open: Set<Socket>) {
    this.url = url;
    this.#server = server;
    this.#open = open;
  }

  /** @param url with the server's host and port */
  static async to(url: string): Promise<Passage> {
    const { hostname, port } = new URL(url);
    const open = new Set<Socket>();
    const passage = { got: (): void => {} };
    const server = createServer((near) => {
      const far = connect(Number(port), hostname);
      for (const [one, other] of [
        [near, far],
        [far, near],
      ] as const) {
        open.add(one.setNoDelay());
        one.on("error", () => {});
        one.on("close", () => (open.delete(one), other.destroy()));
        one.pipe(other);
      }
      far.on("data", () => passage.got());
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const here = new URL(url);
    here.port = String((server.address() as AddressInfo).port);
    const made = new Passage(String(here), server, open);
    passage.got = () => made.#got();
    return made;
  }

  /** So many pieces of what the server says get through; then all that is open is ended, once. */
  cutAfter(pieces: number): void {
    this.#piecesLeft = pieces;
  }

  /** Whether that has been. */
  get wasCut(): boolean {
    return this.#piecesLeft === Infinity;
  }

  #got(): void {
    if (this.#piecesLeft-- > 1) return;
    this.#piecesLeft = Infinity;
    for (const socket of this.#open) socket.destroy();
  }

  /** Of those that are open nothing more gets through, either way; what is sent into them is taken. */
  silence(): number {
    for (const socket of this.#open) {
      socket.unpipe();
      socket.resume();
      this.#silenced.add(socket);
    }
    return this.#silenced.size / 2;
  }

  /** Of those that were silenced. */
  get stillOpen(): number {
    return [...this.#silenced].filter((socket) => !socket.destroyed).length;
  }

  end(): void {
    this.#server.close();
    for (const socket of this.#open) socket.destroy();
  }
}
