/** Everything that stands on a reached backend: what keeps jobs, who waits for them, and who does them. */
import type { QueueEvents } from "bullmq";
import type { Backend } from "./backend/backend.ts";
import { openBackend } from "./backend/open-backend.ts";
import type { BlobStore } from "./blobs/blob-store.ts";
import { BlobSweep } from "./blobs/blob-sweep.ts";
import { Bodies } from "./blobs/bodies.ts";
import { openBlobs } from "./blobs/open-blobs.ts";
import type { WorkQueueConfig } from "./config/config.ts";
import { Waits } from "./front/waits.ts";
import { Cancellations, cancellationsOf } from "./queue/cancellations.ts";
import { JobStore } from "./queue/job-store.ts";
import { QueueWorker, type QueueWorkerDeps } from "./worker/queue-worker.ts";

export type OpenQueueDeps = Omit<QueueWorkerDeps, "cancellations" | "bodies" | "pauseQueue">;

export class OpenQueue {
  readonly store: JobStore;
  readonly waits: Waits;
  /** null: this process does no jobs. */
  readonly worker: QueueWorker | null;
  readonly #backend: Backend;
  /** null: this process does no jobs. */
  readonly #cancelled: QueueEvents | null;
  readonly #sweep: BlobSweep;

  private constructor(backend: Backend, blobs: BlobStore, config: WorkQueueConfig, deps: OpenQueueDeps) {
    const { clock, metrics, log } = deps;
    const bodies = new Bodies(blobs);
    const onError = (error: Error): void => log.warn({ err: error.message }, "the queue is not reached");
    this.#backend = backend;
    const openEvents = (name: string): QueueEvents => backend.openEvents(name).on("error", onError);
    const producer = backend.openEventsProducer(cancellationsOf(config.queue));
    producer.on("error", onError);
    this.#cancelled = config.role === "front" ? null : openEvents(cancellationsOf(config.queue));
    const cancellations = new Cancellations(this.#cancelled, producer);
    this.store = new JobStore(backend, config, { clock, metrics, cancellations, bodies, onError });
    this.#sweep = new BlobSweep({ blobs, clock, log, hasJob: (id) => this.store.has(id) });
    this.waits = new Waits({
      clock,
      openEvents: () => openEvents(config.queue),
      find: (id) => this.store.find(id),
    });
    this.worker =
      config.role === "front"
        ? null
        : new QueueWorker(backend, config, {
            ...deps,
            cancellations,
            bodies,
            pauseQueue: (span) => this.store.pause(span),
          });
  }

  /** @throws OutriggerError: `redis-unreachable`, `postgres-unreachable`; or why this backend will not do */
  static async open(config: WorkQueueConfig, deps: OpenQueueDeps): Promise<OpenQueue> {
    const backend = await openBackend(config);
    let blobs: BlobStore;
    try {
      blobs = await openBlobs(config, backend, deps.clock);
    } catch (thrown) {
      await backend.close();
      throw thrown;
    }
    const queue = new OpenQueue(backend, blobs, config, deps);
    try {
      await Promise.all([queue.#cancelled?.waitUntilReady(), queue.store.start(), queue.worker?.start()]);
      if (config.role !== "worker") queue.#sweep.start();
      return queue;
    } catch (thrown) {
      await queue.close();
      throw thrown;
    }
  }

  /** At once: attempts under way are another worker's. */
  async close(): Promise<void> {
    await this.worker?.end(AbortSignal.abort());
    this.store.stop();
    this.#sweep.stop();
    await this.#backend.close();
  }
}

/** The backend is not there now, and may be later. */
export const isAway = (code: string): boolean => code.endsWith("-unreachable");
