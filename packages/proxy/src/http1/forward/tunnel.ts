/** After 101 both ends speak another protocol: bytes go both ways as they come, with back-pressure and half-close. */
import type { Socket } from "node:net";
import { Deadline } from "@outrigger/core";
import type { Settings } from "./settings.ts";
import { MAX_UNSENT_BYTES } from "./unsent.ts";
import type { TunnelEnd, UpstreamConnection } from "./upstream-connection.ts";

/** Dead peers are found by the kernel: seconds of silence before the first keep-alive probe, in milliseconds. */
const KEEP_ALIVE_DELAY = 60_000;

export class Tunnel implements TunnelEnd {
  readonly #client: Socket;
  readonly #upstream: UpstreamConnection;
  readonly #settings: Settings;
  readonly #deadline: Deadline<Tunnel>;
  readonly #closed: () => void;
  #clientEnded = false;
  #upstreamEnded = false;
  #over = false;

  /** @param closed called once, when both sockets are done */
  constructor(client: Socket, upstream: UpstreamConnection, settings: Settings, closed: () => void) {
    this.#client = client;
    this.#upstream = upstream;
    this.#settings = settings;
    this.#deadline = new Deadline<Tunnel>(this);
    this.#closed = closed;
    client.setKeepAlive(true, KEEP_ALIVE_DELAY);
    upstream.socket.setKeepAlive(true, KEEP_ALIVE_DELAY);
    this.#moved();
  }

  fromUpstream(bytes: Buffer, start: number, end: number): void {
    this.#moved();
    const waits = this.#client.writableLength > 0;
    this.#client.write(this.#upstream.lend(bytes, start, end, waits), "latin1");
    if (this.#client.writableLength > 0) this.#upstream.giveBufferAway();
    if (this.#client.writableLength > MAX_UNSENT_BYTES) this.#upstream.pause();
  }

  fromClient(bytes: Uint8Array): void {
    this.#moved();
    if (!this.#upstream.write(bytes)) this.#client.pause();
  }

  clientDrained(): void {
    this.#moved();
    this.#upstream.resume();
  }

  upstreamDrained(): void {
    this.#moved();
    this.#client.resume();
  }

  #moved(): void {
    if (this.#clientEnded && this.#upstreamEnded) this.#lastBytes();
    else this.#settings.tunnels.arm(this.#deadline);
  }

  clientEnded(): void {
    this.#clientEnded = true;
    this.#upstream.socket.end(() => this.#flushed());
    this.#lastBytes();
  }

  upstreamEnded(): void {
    this.#upstreamEnded = true;
    this.#client.end(() => this.#flushed());
    this.#lastBytes();
  }

  /** @returns whether that is no failure: all is said and written there, and the other is still to be written */
  clientClosed(): boolean {
    return this.#isDone(this.#client) && !this.#over;
  }

  /** The same of the other side. */
  upstreamClosed(): boolean {
    return this.#isDone(this.#upstream.socket) && !this.#over;
  }

  /** A socket that has ended and written all closes by itself, before the other side has read what it was sent. */
  #isDone(socket: Socket): boolean {
    return this.#clientEnded && this.#upstreamEnded && socket.writableFinished;
  }

  /** Either socket failed, or nothing moved for too long: both go. */
  broke(): void {
    this.#finish();
  }

  /** Both sides have said all: what remains is to be read, by readers that may have stopped. */
  #lastBytes(): void {
    if (this.#clientEnded && this.#upstreamEnded) this.#settings.lastTunnelBytes.arm(this.#deadline);
  }

  /** One of the sockets has written its last byte. */
  #flushed(): void {
    if (this.#client.writableFinished && this.#upstream.socket.writableFinished) this.#finish();
  }

  #finish(): void {
    if (this.#over) return;
    this.#over = true;
    this.#deadline.queue?.disarm(this.#deadline);
    this.#client.destroy();
    this.#upstream.destroy();
    this.#closed();
  }
}
