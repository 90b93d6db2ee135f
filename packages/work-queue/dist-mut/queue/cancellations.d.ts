/**
 * The word that a running job is not wanted any more, from any process to the one that runs it: an event of a stream of its own,
 * for whoever reads the queue's reads several events of every job. One that does not arrive leaves the job running, as a worker
 * that is away would.
 */
import type { QueueEvents, QueueEventsProducer } from "bullmq";
/** Where they are published: no queue can have that name. */
export declare const cancellationsOf: (queue: string) => string;
export declare class Cancellations {
    #private;
    constructor(events: QueueEvents | null, producer: QueueEventsProducer);
    ask(jobId: string): Promise<void>;
    onAsked(listener: (jobId: string) => void): void;
}
//# sourceMappingURL=cancellations.d.ts.map