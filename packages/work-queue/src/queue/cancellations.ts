/**
 * The word that a running job is not wanted any more, from any process to the one that runs it: an event of a stream of its own,
 * for whoever reads the queue's reads several events of every job. One that does not arrive leaves the job running, as a worker
 * that is away would.
 */
import type { QueueEventsProducer } from "bullmq";
import type { JobEvents } from "../backend/job-events.ts";

const EVENT = "outrigger-cancel";
/** Events that the stream keeps; BullMQ's own number for its own. */
const KEPT_EVENTS = 10_000;

/** Where they are published: no queue can have that name. */
export const cancellationsOf = (queue: string): string => `${queue}/cancellations`;

export class Cancellations {
  /** null: this process runs no jobs. */
  readonly #events: JobEvents | null;
  readonly #producer: QueueEventsProducer;

  constructor(events: JobEvents | null, producer: QueueEventsProducer) {
    this.#events = events;
    this.#producer = producer;
  }

  async ask(jobId: string): Promise<void> {
    await this.#producer.publishEvent({ eventName: EVENT, jobId }, KEPT_EVENTS);
  }

  onAsked(listener: (jobId: string) => void): void {
    this.#events?.on(EVENT, ({ jobId }: { jobId: string }) => listener(jobId));
  }
}
