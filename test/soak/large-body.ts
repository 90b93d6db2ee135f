/** A long body whose every part is different, so that a lost, doubled or swapped piece changes its hash. */
import { createHash, type Hash } from "node:crypto";
import type { Readable, Writable } from "node:stream";
import { span } from "../support/polling.ts";

const PIECE = 64 * 1024;

/** Where the receiver stops reading: after each `every` bytes, for `pause` milliseconds. */
export interface Stops {
  readonly every: number;
  readonly pause: number;
}

export interface Tally {
  readonly bytes: number;
  readonly sha256: string;
}

/** Writes `bytes` bytes as fast as they are taken, and does not end the stream. */
export async function sendBody(to: Writable, bytes: number): Promise<Tally> {
  const hash = createHash("sha256");
  // One buffer of noise, of which each piece is another window.
  const noise = Buffer.alloc(2 * PIECE);
  for (let at = 0, value = 1; at < noise.length; at++) {
    value = (Math.imul(value, 1_103_515_245) + 12_345) >>> 0;
    noise[at] = value >>> 24;
  }
  let sent = 0;
  for (let number = 0; sent < bytes; number++) {
    const from = (number * 7_919) % PIECE;
    const piece = noise.subarray(from, from + Math.min(PIECE, bytes - sent));
    hash.update(piece);
    sent += piece.length;
    if (to.destroyed) throw new Error(`the receiver broke the connection after ${sent} bytes`);
    if (!to.write(piece)) await drained(to);
  }
  return { bytes: sent, sha256: hash.digest("hex") };
}

/** Reads to the end, stopping now and then: while it stops, nothing is read off the socket. */
export async function receiveBody(from: Readable, stops: Stops): Promise<Tally & { stopped: number }> {
  const hash: Hash = createHash("sha256");
  let bytes = 0;
  let stopped = 0;
  let nextStop = 0;
  for await (const chunk of from as AsyncIterable<Buffer>) {
    hash.update(chunk);
    bytes += chunk.length;
    if (bytes < nextStop) continue;
    nextStop = bytes + stops.every;
    stopped += stops.pause;
    await span(stops.pause);
  }
  return { bytes, sha256: hash.digest("hex"), stopped };
}

function drained(stream: Writable): Promise<void> {
  return new Promise((resolve, reject) => {
    const done = (act: () => void) => (): void => {
      stream.off("drain", onDrain).off("close", onClose);
      act();
    };
    const onDrain = done(resolve);
    const onClose = done(() => reject(new Error("the connection broke")));
    stream.on("drain", onDrain).on("close", onClose);
  });
}
