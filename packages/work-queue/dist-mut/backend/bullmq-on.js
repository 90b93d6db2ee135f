/** BullMQ's classes bound to one way to keep jobs. */
import { setTimeout as pause } from "node:timers/promises";
import { withBackend } from "bullmq";
/** The longest that a backend is asked to wait for something, and says nothing: of BullMQ's workers on Redis. */
export const LONGEST_WAIT = 10_000;
/** A connection on which what was asked has no answer for so much longer leads nowhere: it is ended, and another one dialled. */
export const PATIENCE = 5_000;
const TRY_AGAIN = 1_000;
export function bullmqOn(factory, { asking, waiting, listens, cut, end }, openBlobs) {
    const { Queue, Worker, QueueEvents, QueueEventsProducer } = withBackend(factory);
    const opened = [];
    const open = (closable) => {
        opened.push(closable);
        // BullMQ's classes are of one kind of backend; ours are of any.
        return closable;
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
export async function readOn(events) {
    while (events.closing === undefined)
        try {
            await events.run();
        }
        catch (thrown) {
            if (events.listenerCount("error") > 0)
                events.emit("error", thrown);
            await pause(TRY_AGAIN, undefined, { ref: false });
        }
}
//# sourceMappingURL=bullmq-on.js.map