/** After 101 both ends speak another protocol: bytes go both ways as they come, with back-pressure and half-close. */
import type { Socket } from "node:net";
import { Deadline, type DeadlineQueue } from "@outrigger/core";
import { MAX_UNSENT_BYTES } from "./unsent.ts";
import type { TunnelEnd, UpstreamConnection } from "./upstream-connection.ts";

/** Dead peers are found by the kernel: seconds of silence before the first keep-alive probe, in milliseconds. */
const KEEP_ALIVE_DELAY = 60_000;

export class Tunnel implements TunnelEnd {
  readonly #client: Socket;
  readonly #upstream: UpstreamConnection;
  readonly #idles: DeadlineQueue<Tunnel>;
  readonly #deadline: Deadline<Tunnel>;
  readonly #closed: () => void;
  #clientEnded = false;
  #upstreamEnded = false;
  #over = false;

  /** @param closed called once, when both sockets are done */
  constructor(
    client: Socket,
    upstream: UpstreamConnection,
    idles: DeadlineQueue<Tunnel>,
    closed: () => void,
  ) {
    this.#client = client;
    this.#upstream = upstream;
    this.#idles = idles;
    this.#deadline = new Deadline<Tunnel>(this);
    this.#closed = closed;
    client.setKeepAlive(true, KEEP_ALIVE_DELAY);
    upstream.socket.setKeepAlive(true, KEEP_ALIVE_DELAY);
    idles.arm(this.#deadline);
  }

  fromUpstream(bytes: Buffer, start: number, end: number): void {
    this.#idles.arm(this.#deadline);
    this.#client.write(bytes.subarray(start, end));
    if (this.#client.writableLength > 0) this.#upstream.giveBufferAway();
    if (this.#client.writableLength > MAX_UNSENT_BYTES) this.#upstream.pause();
  }

  fromClient(bytes: Uint8Array): void {
    this.#idles.arm(this.#deadline);
    if (!this.#upstream.write(bytes)) this.#client.pause();
  }

  clientDrained(): void {
    this.#upstream.resume();
  }

  upstreamDrained(): void {
    this.#client.resume();
  }

  clientEnded(): void {
    this.#clientEnded = true;
    this.#upstream.socket.end();
    if (this.#upstreamEnded) this.#finish(false);
  }

  upstreamEnded(): void {
    this.#upstreamEnded = true;
    this.#client.end();
    if (this.#clientEnded) this.#finish(false);
  }

  /** Either socket failed, or nothing moved for too long: both go. */
  broke(): void {
    this.#finish(true);
  }

  #finish(cut: boolean): void {
    if (this.#over) return;
    this.#over = true;
    this.#idles.disarm(this.#deadline);
    if (cut) this.#client.destroy();
    else this.#client.destroySoon();
    const { socket } = this.#upstream;
    // Bytes that the client sent last are still on their way to the endpoint.
    if (!cut && socket.writableLength > 0) socket.once("finish", () => this.#upstream.destroy());
    else this.#upstream.destroy();
    this.#closed();
  }
}
