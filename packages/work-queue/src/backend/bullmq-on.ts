/** BullMQ's classes bound to one way to keep jobs. */
import { withBackend, type BackendFactory, type IQueueBackend } from "bullmq";
import type { Milliseconds } from "@outrigger/core";
import type { Backend } from "./backend.ts";
import { JobEvents } from "./job-events.ts";
import { RETRY_DELAY, withPatience } from "./patient-worker.ts";

/** The longest that a backend is asked to wait for something, and says nothing: of BullMQ's workers on Redis. */
export const LONGEST_WAIT: Milliseconds = 10_000;
/** A connection on which what was asked has no answer for so much longer leads nowhere: it is ended, and another one dialled. */
export const PATIENCE: Milliseconds = 5_000;

export interface Connections<Connection> {
  /** Of whoever adds and asks: it fails at once where there is no connection. */
  readonly asking: Connection;
  /** Of whoever waits for jobs and events: it tries for ever. */
  readonly waiting: Connection;
  /** Of sets of events, which are given up and opened anew; undefined: the same. */
  readonly reading?: Connection;
  /** A worker or a set of events is opened. */
  listens?(): void;
  /** Resolves when one of them has ended. */
  readonly lost?: Promise<Error>;
  /** Ends all of them at once, whatever is under way: a backend that does not answer would keep a farewell waiting. */
  cut(): void;
  /** After everything that used them is closed. */
  end(): Promise<void>;
}

interface Closable {
  close(): Promise<void>;
}

export function bullmqOn<Kind extends IQueueBackend, Connection>(
  factory: BackendFactory<Kind, Connection>,
  { asking, waiting, reading = waiting, listens, lost, cut, end }: Connections<Connection>,
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
      const worker = new Worker(name, process, {
        ...{ runRetryDelay: RETRY_DELAY, ...options },
        connection: waiting,
      });
      return open(withPatience(worker));
    },
    openEvents: (name) => {
      listens?.();
      const options = { connection: reading, autorun: false, blockingTimeout: LONGEST_WAIT };
      return open(new JobEvents(() => new QueueEvents(name, options)));
    },
    openEventsProducer: (name) => open(new QueueEventsProducer(name, { connection: asking })),
    openBlobs,
    ...(lost && { lost }),
    cut,
    close: async () => {
      cut();
      await Promise.allSettled(opened.map((closable) => closable.close()));
      await end();
    },
  };
}
