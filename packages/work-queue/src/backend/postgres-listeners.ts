/**
 * Connections that BullMQ took out of the pool to listen on. Nobody asks them anything: one that leads nowhere any more, and is
 * open, would be silent for ever, and BullMQ would wait for it up to an hour. So they are asked now and then.
 */
import type { Milliseconds } from "@outrigger/core";
import type { Socket } from "node:net";
import type { Pool, PoolClient } from "pg";

export class Listeners {
  /** Those that are out, and whether they were at the last look. */
  readonly #out = new Map<PoolClient, boolean>();
  readonly #timer: NodeJS.Timeout;

  /** @param every one that is out for so long is asked that often; it has the pool's query_timeout to answer */
  constructor(pool: Pool, every: Milliseconds) {
    pool.on("acquire", (client) => this.#out.set(client, false));
    pool.on("release", (_error, client) => this.#out.delete(client));
    pool.on("remove", (client) => this.#out.delete(client));
    this.#timer = setInterval(() => this.#look(), every).unref();
  }

  end(): void {
    clearInterval(this.#timer);
  }

  #look(): void {
    for (const [client, wasOut] of this.#out) {
      this.#out.set(client, true);
      // Its error is how BullMQ hears that it has to open another.
      if (wasOut) client.query("SELECT 1").catch((thrown: Error) => socketOf(client).destroy(thrown));
    }
  }
}

const socketOf = (client: PoolClient): Socket =>
  (client as unknown as { connection: { stream: Socket } }).connection.stream;
