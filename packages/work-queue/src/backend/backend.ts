/**
 * What keeps the jobs, seen by the rest of the pattern: BullMQ bound to Redis, to Postgres or to a database in a folder. BullMQ
 * is loaded by whoever opens one, so that the other backends' drivers cost nothing.
 */
import type { Processor, Queue, QueueEventsProducer, QueueOptions, Worker, WorkerOptions } from "bullmq";
import type { Clock } from "@outrigger/core";
import type { BlobStore } from "../blobs/blob-store.ts";
import type { Answer } from "../job/answer.ts";
import type { StoredRequest } from "../job/stored-request.ts";
import type { JobEvents } from "./job-events.ts";

export type JobQueue = Queue<StoredRequest, Answer>;
export type JobWorker = Worker<StoredRequest, Answer>;

export interface Backend {
  openQueue<Data = StoredRequest, Result = Answer>(
    name: string,
    options?: Pick<QueueOptions, "settings">,
  ): Queue<Data, Result>;
  openWorker<Data = StoredRequest, Result = Answer>(
    name: string,
    process: Processor<Data, Result>,
    options: Omit<WorkerOptions, "connection">,
  ): Worker<Data, Result>;
  openEvents(name: string): JobEvents;
  openEventsProducer(name: string): QueueEventsProducer;
  /** What is too large for a job. @throws as opening the backend does */
  openBlobs(queue: string, clock: Clock): Promise<BlobStore>;
  /** Resolves when it cannot be used any more, by this process. */
  readonly ended?: Promise<Error>;
  /** Resolves when one of its connections has ended, with what was said of that; undefined: whoever asks hears of it. */
  readonly lost?: Promise<Error>;
  /** Ends all of its connections at once: what is under way fails. */
  cut(): void;
  /** Closes all that was opened, at once; also where the backend does not answer. */
  close(): Promise<void>;
}
