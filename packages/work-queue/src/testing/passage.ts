/** A way to a server that can be lost: what is open stays open and leads nowhere, and whoever dials anew gets through. */
import { once } from "node:events";
import { connect, createServer, type AddressInfo, type Socket } from "node:net";

/** What becomes of whoever dials after a cut; "is mute": nothing is ended, and nothing more gets through. */
export type Aftermath = "lets through" | "closes" | "refuses" | "is mute";

export class Passage {
  #target: URL;
  readonly #server = createServer((near) => this.#carry(near));
  readonly #open = new Set<Socket>();
  readonly #silenced = new Set<Socket>();
  #piecesLeft = Infinity;
  #then: Aftermath = "lets through";
  #carries: "whole" | "nothing" | "silence" = "whole";

  private constructor(url: string) {
    this.#target = new URL(url);
  }

  /** @param url with the server's host and port */
  static async to(url: string): Promise<Passage> {
    const passage = new Passage(url);
    passage.#server.listen(0, "127.0.0.1");
    await once(passage.#server, "listening");
    return passage;
  }

  /** The server's, by this way. */
  get url(): string {
    const here = new URL(this.#target);
    here.port = String((this.#server.address() as AddressInfo).port);
    return String(here);
  }

  #carry(near: Socket): void {
    near.on("error", () => {});
    if (this.#carries === "nothing") return void near.destroy();
    if (this.#carries === "silence") return void this.#open.add(near.resume());
    const far = connect(Number(this.#target.port), this.#target.hostname);
    for (const [one, other] of [
      [near, far],
      [far, near],
    ] as const) {
      this.#open.add(one.setNoDelay());
      one.on("error", () => {});
      one.on("close", () => (this.#open.delete(one), other.destroy()));
      one.pipe(other);
    }
    far.on("data", () => this.#got());
  }

  /** For whoever dials from now on. */
  leadTo(url: string): void {
    this.#target = new URL(url);
  }

  /** Connections that lead to it still. */
  openTo({ port }: { readonly port: number }): number {
    return [...this.#open].filter((socket) => socket.remotePort === port).length;
  }

  /** So many pieces of what the server says get through; then all that is open is ended, once. */
  cutAfter(pieces: number, then: Aftermath = "lets through"): void {
    this.#piecesLeft = pieces;
    this.#then = then;
  }

  /** Whether that has been. */
  get wasCut(): boolean {
    return this.#piecesLeft === Infinity;
  }

  #got(): void {
    if (this.#piecesLeft-- > 1) return;
    this.#piecesLeft = Infinity;
    if (this.#then === "is mute") {
      this.#carries = "silence";
      this.silence();
      return;
    }
    if (this.#then === "closes") this.#carries = "nothing";
    if (this.#then === "refuses") this.#server.close();
    this.cut();
  }

  /** All that is open ends. */
  cut(): void {
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
    this.cut();
  }
}
