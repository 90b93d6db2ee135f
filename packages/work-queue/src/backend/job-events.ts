/**
 * What happens to a queue's jobs, as it is told. BullMQ's reader begins once, and on Postgres one that could not begin never will:
 * another is opened then, and whoever listens here need not know.
 */
import { EventEmitter } from "node:events";
import { setTimeout as pause } from "node:timers/promises";
import type { QueueEvents } from "bullmq";
import type { Milliseconds } from "@outrigger/core";

const TRY_AGAIN: Milliseconds = 1_000;

/** Of BullMQ's. */
export type EventReader = Pick<QueueEvents, "run" | "close" | "waitUntilReady">;

export class JobEvents extends EventEmitter {
  readonly #open: () => EventReader;
  #reader: EventReader;
  #isClosed = false;

  /** @param open one that does not run yet */
  constructor(open: () => EventReader) {
    super();
    this.#open = open;
    this.#reader = this.#opened();
    void this.#read();
  }

  /** @throws what BullMQ does where the backend is away; it is tried again all the same */
  async waitUntilReady(): Promise<void> {
    await this.#reader.waitUntilReady();
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#reader.close();
  }

  #opened(): EventReader {
    const reader = this.#open();
    // Whatever it says is said here, until it is given up.
    const emit = (event: string, ...said: unknown[]): boolean =>
      reader === this.#reader && this.#tell(event, said);
    return Object.assign(reader, { emit });
  }

  #tell(event: string, said: readonly unknown[]): boolean {
    return (event !== "error" || this.listenerCount(event) > 0) && this.emit(event, ...said);
  }

  async #read(): Promise<void> {
    while (!this.#isClosed)
      try {
        await this.#reader.run();
      } catch (thrown) {
        if (this.#isClosed) return;
        this.#tell("error", [thrown]);
        await pause(TRY_AGAIN, undefined, { ref: false });
        if (this.#isClosed) return;
        this.#reader.close().catch(() => {});
        this.#reader = this.#opened();
      }
  }
}
