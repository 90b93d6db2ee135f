const EVENT = "outrigger-cancel";
/** Events that the stream keeps; BullMQ's own number for its own. */
const KEPT_EVENTS = 10_000;
/** Where they are published: no queue can have that name. */
export const cancellationsOf = (queue) => `${queue}/cancellations`;
export class Cancellations {
    /** null: this process runs no jobs. */
    #events;
    #producer;
    constructor(events, producer) {
        this.#events = events;
        this.#producer = producer;
    }
    async ask(jobId) {
        await this.#producer.publishEvent({ eventName: EVENT, jobId }, KEPT_EVENTS);
    }
    onAsked(listener) {
        // BullMQ's types know its own events alone.
        this.#events?.on(EVENT, ({ jobId }) => listener(jobId));
    }
}
//# sourceMappingURL=cancellations.js.map