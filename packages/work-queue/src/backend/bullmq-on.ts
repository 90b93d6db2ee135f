/** BullMQ's classes bound to one way to keep jobs. */
import { withBackend, type BackendFactory, type IQueueBackend } from "bullmq";
import type { Backend } from "./backend.ts";

export interface Connections<Connection> {
  /** Of whoever adds and asks: it fails at once where there is no connection. */
  readonly asking: Connection;
  /** Of whoever waits for jobs and events: it tries for ever. */
  readonly waiting: Connection;
}

/** @param close after the queues, workers and events are closed */
export function bullmqOn<Kind extends IQueueBackend, Connection>(
  factory: BackendFactory<Kind, Connection>,
  { asking, waiting }: Connections<Connection>,
  close: () => Promise<void>,
): Backend {
  const { Queue, Worker, QueueEvents, QueueEventsProducer } = withBackend(factory);
  return {
    openQueue: (name) => new Queue(name, { connection: asking }) as never,
    openWorker: (name, process, options) =>
      new Worker(name, process, { ...options, connection: waiting }) as never,
    openEvents: (name) => new QueueEvents(name, { connection: waiting }) as never,
    openEventsProducer: (name) => new QueueEventsProducer(name, { connection: asking }) as never,
    close,
  };
}
