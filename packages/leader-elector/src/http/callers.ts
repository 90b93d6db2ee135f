/**
 * Who uses the HTTP API: a workload that asks whether it leads is at work until its last connection has closed, and for a
 * moment more. That is how a release at SIGTERM waits for a workload which knows no other way to say that it has stopped.
 * Only the pod's own processes are waited for: whoever else asks, where the API listens for others, is no workload of ours.
 */
import type { IncomingMessage } from "node:http";
import type { Socket } from "node:net";
import type { Clock, Milliseconds } from "@outrigger/core";
import { isOfThisPod } from "./of-this-pod.ts";

const LOOK_EVERY: Milliseconds = 50;
/** A workload that polls comes again within this time. */
const CALLERS_QUIET: Milliseconds = 1_000;

export class Callers {
  readonly #clock: Clock;
  readonly #open = new Set<Socket>();
  #lastSeen: Milliseconds | null = null;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** A request has come. */
  saw({ socket }: IncomingMessage): void {
    if (!isOfThisPod(socket)) return;
    this.#lastSeen = this.#clock.now();
    if (this.#open.has(socket)) return;
    this.#open.add(socket);
    socket.once("close", () => {
      this.#open.delete(socket);
      this.#lastSeen = this.#clock.now();
    });
  }

  /** Connections on which something was asked, open now. */
  get connections(): number {
    return this.#open.size;
  }

  /** Resolves with true when none is there any more, at once where there never was one; with false when `signal` aborts. */
  async gone(signal: AbortSignal): Promise<boolean> {
    while (!this.#isQuiet()) {
      if (signal.aborted) return false;
      await this.#clock.sleep(LOOK_EVERY, signal).catch(() => {});
    }
    return true;
  }

  #isQuiet(): boolean {
    if (this.#lastSeen === null) return true;
    return this.#open.size === 0 && this.#clock.now() - this.#lastSeen >= CALLERS_QUIET;
  }
}
