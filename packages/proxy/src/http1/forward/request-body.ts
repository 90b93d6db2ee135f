/**
 * A request's body between the client and the attempt: what the next attempt must send first, and whether another
 * attempt could begin at all. Pieces are the client socket's own buffers; nothing is copied.
 */
import type { UpstreamConnection } from "./upstream-connection.ts";

/** Head and body up to this size go to the kernel as one string, which it copies: no buffer is tied up. */
export const ONE_WRITE_BYTES = 16 * 1024;

/** One read of net's goes to the queue of a paused stream. */
const PAUSED_READ_BYTES = 64 * 1024;

export class RequestBody {
  /** The client has sent all of it. */
  done = true;
  /** Bytes of it were handed to a connection and will not be kept: only one that sent none of them can be followed. */
  gone = false;
  #held: Buffer[] = [];
  #heldBytes = 0;
  /** How many bytes are kept for another attempt; what exceeds it is sent once. */
  #keepBytes = 0;
  /** How long the body will be; Infinity: it does not say. */
  #length = 0;

  begin(first: Buffer | null, done: boolean, length: number, keepBytes: number): void {
    this.done = done;
    this.#length = length;
    this.gone = false;
    this.#keepBytes = keepBytes;
    if (first !== null) this.hold(first);
  }

  /** Sent once, it could be sent again: there is none, or all of it will be kept. */
  get repeatable(): boolean {
    return !this.gone && (this.done ? this.#heldBytes : this.#length) <= this.#keepBytes;
  }

  /** What waiting for an attempt takes in memory: what has come, and what a paused socket reads all the same. */
  get waitingBytes(): number {
    return this.done ? this.#heldBytes : Math.min(this.#length, this.#heldBytes + PAUSED_READ_BYTES);
  }

  /** No body byte waits to be sent first. */
  get empty(): boolean {
    return this.#held.length === 0;
  }

  /** Keeps what came before an attempt could take it. */
  hold(piece: Buffer): void {
    this.#held.push(piece);
    this.#heldBytes += piece.length;
  }

  /** A piece goes straight to the attempt that is running: it is kept as well, while the limit allows. */
  passing(piece: Buffer): void {
    if (this.gone) this.clear();
    else if (this.#heldBytes + piece.length <= this.#keepBytes) this.hold(piece);
    else this.#letGo();
  }

  /** Begins an attempt: the head, and what is held of the body, in as few writes as can be. */
  sendFirst(connection: UpstreamConnection, head: string, now: number): void {
    const held = this.#held;
    if (held.length === 0) {
      connection.send(head, now);
      return;
    }
    if (head.length + this.#heldBytes <= ONE_WRITE_BYTES) {
      let text = head;
      for (const piece of held) text += piece.toString("latin1");
      connection.send(text, now);
      // It may wait for the end of the turn, and never be sent: till more follows, all is still here.
      this.gone = this.#heldBytes > this.#keepBytes;
    } else {
      connection.socket.cork();
      connection.send(head, now);
      for (const piece of held) connection.write(piece);
      connection.socket.uncork();
      if (this.#heldBytes > this.#keepBytes) this.#letGo();
    }
  }

  clear(): void {
    if (this.#held.length > 0) this.#held = [];
    this.#heldBytes = 0;
  }

  #letGo(): void {
    this.gone = true;
    this.clear();
  }
}
