/**
 * Callers that follow a job (`GET /jobs/{id}/events`, text/event-stream of the HTML standard, section 9.2): each state once, as it
 * comes, until the job has ended. A state that was over by the time of the look is not told.
 */
import { OutriggerError } from "@outrigger/core";
import { isEnd } from "../job/standing.js";
/** Each holds a connection, and asks the backend now and then. */
const MOST_FOLLOWERS = 1_000;
/** A stream that says nothing for longer is taken for dead by what is between. */
const HEARTBEAT = 15_000;
export class Followers {
    #deps;
    #count = 0;
    constructor(deps) {
        this.#deps = deps;
    }
    get count() {
        return this.#count;
    }
    /**
     * Tells it all of the job, from `first` on; resolves when the job has ended, the caller has left, or all were let go.
     * @param describe what is told of a standing
     * @throws OutriggerError `too-many-followers`, before anything is answered
     */
    async follow(request, first, describe) {
        if (this.#count >= MOST_FOLLOWERS)
            throw new OutriggerError("too-many-followers", `${MOST_FOLLOWERS} callers follow jobs already`);
        const { clock, watches, find } = this.#deps;
        const watch = watches.watch(first.id, request);
        this.#count++;
        try {
            request.beginStream(200, [
                ["content-type", "text/event-stream"],
                ["cache-control", "no-store"],
            ]);
            let standing = first;
            let told = "";
            let said = clock.now();
            for (;;) {
                watch.begin();
                standing = await find(first.id).catch(() => standing);
                const text = standing === null ? REMOVED : eventOf(standing, describe(standing));
                // State and attempts are read one after the other: a job that begins between is no news until it runs.
                const news = standing?.state === "waiting" ? standing.state : text;
                const isNews = news !== told;
                if (isNews || clock.now() - said >= HEARTBEAT) {
                    // One that does not read is told no more until it does.
                    await request.write(Buffer.from(isNews ? text : ":\n\n"));
                    told = news;
                    said = clock.now();
                }
                if (watch.hasLeft)
                    return;
                if (standing === null || isEnd(standing.state) || watch.isOver)
                    break;
                await watch.pause(said + HEARTBEAT - clock.now());
            }
            request.endStream();
        }
        finally {
            watch.end();
            this.#count--;
        }
    }
}
const REMOVED = "event: removed\ndata: {}\n\n";
/** The id of an end is what a browser asks with again when the stream is over; it is then told that there is no more. */
function eventOf({ state }, body) {
    return `event: ${state}\n${isEnd(state) ? `id: ${state}\n` : ""}data: ${JSON.stringify(body)}\n\n`;
}
//# sourceMappingURL=followers.js.map