/** BullMQ's classes bound to one way to keep jobs. */
import { setTimeout as pause } from "node:timers/promises";
import { withBackend, type BackendFactory, type IQueueBackend } from "bullmq";
import type { Milliseconds } from "@outrigger/core";
import type { Backend } from "./backend.ts";

/** The longest that a backend is asked to wait for something, and says nothing: of BullMQ's workers on Redis. */
export const LONGEST_WAIT: Milliseconds = 10_000;
/** A connection on which what was asked has no answer for so much longer leads nowhere: it is ended, and another one dialled. */
export const PATIENCE: Milliseconds = 5_000;
const TRY_AGAIN: Milliseconds = 1_000;

export interface Connections<Connection> {
  /** Of whoever adds and asks: it fails at once where there is no connection. */
  readonly asking: Connection;
  /** Of whoever waits for jobs and events: it tries for ever. */
  readonly waiting: Connection;
  /** A worker or a set of events is opened. */
  listens?(): void;
  /** Ends all of them at once, whatever is under way: a backend that does not answer would keep a farewell waiting. */
  cut(): void;
  /** After everything that used them is closed. */
  end(): Promise<void>;
}

interface Closable {
  close(): Promise<void>;
}

interface Events {
  readonly closing: Promise<void> | undefined;
  run(): Promise<void>;
  listenerCount(event: "error"): number;
  emit(event: "error", error: Error): boolean;
}

export function bullmqOn<Kind extends IQueueBackend, Connection>(
  factory: BackendFactory<Kind, Connection>,
  { asking, waiting, listens, cut, end }: Connections<Connection>,
  openBlobs: Backend["openBlobs"],
): Backend {
  const { Queue, Worker, QueueEvents, QueueEventsProducer } = withBackend(factory);
  const opened: Closable[] = [];
  const open = (closable: Closable): never => {
    opened.push(closable);
    // BullMQ's classes are of one kind of backend; ours are of any.
    return closable as never;
  };
  return {
    openQueue: (name, options) => open(new Queue(name, { ...options, connection: asking })),
    openWorker: (name, process, options) => {
      listens?.();
      return open(new Worker(name, process, { ...options, connection: waiting }));
    },
    openEvents: (name) => {
      listens?.();
      const events = new QueueEvents(name, {
        ...{ connection: waiting, autorun: false, blockingTimeout: LONGEST_WAIT },
      });
      void readOn(events);
      return open(events);
    },
    openEventsProducer: (name) => open(new QueueEventsProducer(name, { connection: asking })),
    openBlobs,
    close: async () => {
      cut();
      await Promise.allSettled(opened.map((closable) => closable.close()));
      await end();
    },
  };
}

/** BullMQ begins by itself, once: where the backend is away just then nobody would ever hear of anything. */
export async function readOn(events: Events): Promise<void> {
  while (events.closing === undefined)
    try {
      await events.run();
    } catch (thrown) {
      if (events.listenerCount("error") > 0) events.emit("error", thrown as Error);
      await pause(TRY_AGAIN, undefined, { ref: false });
    }
}
