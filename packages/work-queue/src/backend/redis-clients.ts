/**
 * The connections to Redis of one backend, those that BullMQ makes of them included, ended all at once. Left to itself a stop
 * beside a Redis that is away does not end: ioredis says nothing of its end where it is told to while it waits to dial again,
 * and BullMQ dials those it has closed.
 *
 * All of them lead to one server. Where it says to one that it is a replica now, all are dialled anew: those that only read would
 * stay with it, and hear of nothing.
 */
import type { Milliseconds, RedisLogin } from "@outrigger/core";
import { Redis, type RedisOptions } from "ioredis";
import type { Socket } from "node:net";
import { isDemoted } from "./lost-connection.ts";

const LOOK_EVERY: Milliseconds = 1_000;
/** Before a server that was left is dialled again: its name may lead to the same one for a while. */
const RETURN_AFTER: Milliseconds = 1_000;

export interface Usage {
  /** past-memory: its scripts write also where memory is full; from Redis 7 on, others know no such script. */
  readonly memory?: "within-memory" | "past-memory";
  /** A connection on which what was asked has no answer for so long leads nowhere: it is ended, and another one dialled. */
  readonly patience?: Milliseconds;
}

/** What a look found. */
interface Look {
  readonly patience: Milliseconds;
  bytesRead: number;
  /** Looks since anything came of what was asked. */
  silent: number;
}

export class RedisClients {
  /** Resolves when the first of them has ended, or could not be dialled, with what was said of that. */
  readonly lost: Promise<Error>;
  /** But those that have ended. */
  readonly #clients = new Map<Redis, Look>();
  readonly #timer = setInterval(() => this.#look(), LOOK_EVERY).unref();
  readonly #login: (() => Promise<RedisLogin>) | null;
  #ended = false;
  #leftAt = -Infinity;
  #lose = (_error: Error): void => {};

  /** @param login asked before each further connection, for a password that was rotated; null: it cannot be */
  constructor(login: (() => Promise<RedisLogin>) | null) {
    this.#login = login;
    this.lost = new Promise((resolve) => (this.#lose = resolve));
  }

  open(options: RedisOptions, { memory = "within-memory", patience = Infinity }: Usage = {}): Redis {
    // No farewell: a Redis that does not answer would not answer that either.
    const client = new Redis({
      ...{ retryStrategy: this.#pauseBefore, reconnectOnError: this.#refused },
      ...options,
      ...{ replyMapping: "legacy", disconnectTimeout: 0 },
    });
    const follow = (): void => void this.#clients.set(client, { patience, bytesRead: 0, silent: 0 });
    follow();
    let said = new Error("its connection ended");
    client.on("end", () => {
      this.#clients.delete(client);
      // One that is ended before it has dialled does not close.
      this.#lose(said);
      // ioredis forgets what it meant to send again where it ends between its next connection and that one's being ready.
      const { prevCommandQueue } = client as unknown as Inner;
      while (prevCommandQueue?.length)
        prevCommandQueue.shift().command.reject(new Error("Connection is closed."));
    });
    // Whoever uses one hears of errors from it; between closing and its end nobody does.
    client.on("error", (error: Error) => (said = error));
    client.on("close", () => this.#lose(said));
    client.duplicate = (override) => this.open({ ...client.options, ...override }, { memory, patience });
    const connect = client.connect.bind(client);
    client.connect = async () => {
      const before = client.status;
      // Where it cannot be read now the old one is tried: who throws here is not asked to connect again.
      if (this.#login !== null) Object.assign(client.options, await this.#login().catch(() => null));
      // BullMQ ends one that went silent, and dials again; one that was ended meanwhile stays so.
      const wasEnded = before !== "end" && client.status === "end";
      if (this.#ended || wasEnded) throw new Error("Connection is closed.");
      follow();
      return connect();
    };
    const disconnect = client.disconnect.bind(client);
    client.disconnect = (reconnect = false) => {
      // A dial that is given up ends, and says so.
      if (!reconnect && client.status === "reconnecting") connect().catch(() => {});
      disconnect(reconnect);
    };
    if (memory === "past-memory") writePastMemory(client);
    gatherWrites(client);
    if (this.#ended) client.disconnect();
    return client;
  }

  end(): void {
    this.#ended = true;
    clearInterval(this.#timer);
    for (const client of this.#clients.keys()) client.disconnect();
  }

  /** ioredis' own pauses, but for a server that was left. */
  readonly #pauseBefore = (attempt: number): Milliseconds =>
    performance.now() - this.#leftAt < RETURN_AFTER ? RETURN_AFTER : Math.min(attempt * 50, 2_000);

  /** @returns that ioredis need do no more */
  readonly #refused = ({ message }: Error): boolean => {
    if (isDemoted(message)) {
      this.#leftAt = performance.now();
      for (const client of this.#clients.keys())
        (client as unknown as Inner).stream?.destroy(new Error(`this Redis is a replica now: ${message}`));
    }
    return false;
  };

  /** ioredis' socketTimeout does the same by a timer and a listener for each turn with a command. */
  #look(): void {
    for (const [client, look] of this.#clients) {
      const { stream, commandQueue } = client as unknown as Inner;
      const isAnswered =
        stream === undefined || stream.bytesRead !== look.bytesRead || commandQueue.length === 0;
      look.bytesRead = stream?.bytesRead ?? 0;
      look.silent = isAnswered ? 0 : look.silent + 1;
      if (look.silent * LOOK_EVERY <= look.patience) continue;
      look.silent = 0;
      stream?.destroy(new Error(`nothing came of what was asked within ${look.patience} ms`));
    }
  }
}

/** Of ioredis' client. */
interface Inner {
  /** undefined: it has not dialled yet. */
  readonly stream: Socket | undefined;
  /** What has no answer yet. */
  readonly commandQueue: { readonly length: number };
  /** What had none when the last connection closed. */
  readonly prevCommandQueue?: { readonly length: number; shift(): Waiting } | null;
}

interface Waiting {
  readonly command: { reject(error: Error): void };
}

/** What is asked for in one turn of the event loop is one write: jobs come, and end, several in a turn. */
function gatherWrites(client: Redis): void {
  const send = client.sendCommand.bind(client);
  let isGathering = false;
  client.sendCommand = (command, stream) => {
    const socket = client.stream as typeof client.stream | undefined;
    if (socket !== undefined && !isGathering) {
      isGathering = true;
      socket.cork();
      setImmediate(() => {
        isGathering = false;
        socket.uncork();
      });
    }
    return send(command, stream);
  };
}

/** A job that ends makes room, and one that cannot even be begun keeps it for ever. */
function writePastMemory(client: Redis): void {
  const define = client.defineCommand.bind(client);
  client.defineCommand = (name, definition) =>
    define(name, { ...definition, lua: `#!lua flags=allow-oom\n${definition.lua}` });
}
