/** Takes callers' requests in as jobs, and tells what became of them. */
import { createHash, randomUUID } from "node:crypto";
import { OutriggerError } from "@outrigger/core";
import { ruleFor } from "../config/rules-option.js";
import { INLINE_BYTES } from "../blobs/blob-store.js";
import { isBlob, readBody, storeBody } from "../job/body.js";
import { requestFields } from "../job/fields.js";
import { isEnd, standingJson } from "../job/standing.js";
import { waitPreference } from "./prefer.js";
import { wishesOf } from "./wishes.js";
const JOB = /^\/jobs\/([0-9a-f]{32})(?:\/(result|events))?(?:\?|$)/;
const REFUSALS = new Set([
    "bad-field",
    "body-too-large",
    "key-reused",
    "full",
    "backend-away",
    "blob-not-kept",
]);
/** An answer is there, and cannot be had, or not now. */
const UNREAD = new Set(["blob-not-read", "no-such-blob", "backend-away"]);
export class Front {
    #deps;
    #limits;
    constructor(limits, deps) {
        this.#limits = limits;
        this.#deps = deps;
    }
    /** For requests that come from now on. */
    reload(limits) {
        this.#limits = limits;
    }
    takes(method, target) {
        return JOB.test(target) || ruleFor(this.#limits.rules, method, target)?.passes !== true;
    }
    async handle(request) {
        try {
            const asked = JOB.exec(request.target);
            if (asked === null)
                await this.#take(request);
            else
                await this.#tell(request, asked[1], asked[2]);
        }
        catch (thrown) {
            const { code, message } = OutriggerError.from(thrown);
            if (REFUSALS.has(code))
                this.#deps.metrics.refused(code);
            if (code === "body-too-large")
                refuse(request, 413, code, message);
            else if (code === "bad-field")
                refuse(request, 400, code, message);
            else if (code === "key-reused")
                refuse(request, 422, code, message);
            else if (code === "full" || code === "too-many-followers")
                refuse(request, 429, code, message, [["retry-after", "5"]]);
            else if (code === "backend-away" || code === "blob-not-kept" || code === "blob-not-read")
                refuse(request, 503, code, message, [["retry-after", "1"]]);
            else if (code === "no-such-blob")
                refuse(request, 410, code, message);
            else
                throw thrown;
        }
    }
    /** @throws OutriggerError `backend-away` */
    get #queue() {
        const queue = this.#deps.queue();
        if (queue === null)
            throw new OutriggerError("backend-away", "the queue's backend is not reached yet");
        return queue;
    }
    async #take(request) {
        const { waits } = this.#queue;
        const { kept, toUs } = requestFields(request.headText);
        const wishes = wishesOf(toUs, ruleFor(this.#limits.rules, request.method, request.target));
        const { id } = await this.#keep(request, kept, wishes, toUs.get("idempotency-key"));
        const wait = waitPreference(toUs.get("prefer"));
        let standing = null;
        try {
            if (wait > 0)
                standing = await waits.ended(id, wait, request);
        }
        catch (thrown) {
            // The job is kept, and whoever were told otherwise would send it again.
            if (OutriggerError.from(thrown).code !== "backend-away")
                throw thrown;
        }
        if (standing?.answer)
            try {
                return await this.#answerAs(request, standing.id, standing.answer);
            }
            catch (thrown) {
                // Begun, it cannot be taken back; else the job is kept all the same.
                if (request.status !== 0 || !UNREAD.has(OutriggerError.from(thrown).code))
                    throw thrown;
            }
        const location = `/jobs/${id}`;
        send(request, 202, [["location", location]], { id, state: standing?.state ?? "waiting", location });
    }
    /** Apart from the waiting for its end, which holds no body. @throws OutriggerError why it is not kept */
    async #keep(request, fields, wishes, key) {
        const { clock, metrics } = this.#deps;
        const { maxBody, maxDepth, maxBytes } = this.#limits;
        const { store } = this.#queue;
        if (store.depth.unfinished >= maxDepth)
            throw new OutriggerError("full", `${maxDepth} jobs wait or run (maxDepth)`);
        if (request.length > INLINE_BYTES && store.depth.bytes >= maxBytes)
            throw new OutriggerError("full", `large bodies have ${maxBytes} bytes together (maxBytes)`);
        const { method, target } = request;
        const tooLarge = () => new OutriggerError("body-too-large", `the body has more than ${maxBody} bytes (maxBody)`);
        if (request.length !== Infinity && request.length > maxBody)
            throw tooLarge();
        const digest = key === undefined ? undefined : createHash("sha256").update(`${method} ${target}\n`);
        // Drawn from a store of random bytes: to ask for 16 each time costs a tenth of keeping a job.
        const id = randomUUID().replaceAll("-", "");
        let body;
        if (request.length <= INLINE_BYTES) {
            const bytes = await request.wholeBody(maxBody);
            digest?.update(bytes);
            body = storeBody(bytes);
        }
        else
            body = await store.bodies.keep(id, request.body(), { max: maxBody, tooLarge, digest });
        if (isBlob(body))
            store.depth.addedBytes(body.bytes);
        const deadline = wishes.deadline === null ? {} : { deadline: clock.wallTime() + wishes.deadline };
        const added = await store.add(id, { method, target, fields, body, ...deadline }, wishes, key === undefined || digest === undefined ? null : { key, fingerprint: digest.digest("hex") });
        (added.isKnown ? metrics.known : metrics.kept).inc();
        if (!added.isKnown)
            store.depth.added(wishes.delay);
        return added;
    }
    /** @param what `result`, `events`; undefined: where it stands */
    async #tell(request, id, what) {
        if (request.method === "DELETE" && what === undefined)
            return this.#cancel(request, id);
        if (request.method !== "GET" && request.method !== "HEAD")
            return refuse(request, 405, "method", "GET tells of a job, DELETE cancels it", [
                ["allow", what === undefined ? "GET, HEAD, DELETE" : "GET, HEAD"],
            ]);
        const standing = await this.#queue.store.find(id);
        if (standing === null)
            return noSuchJob(request);
        if (what === "events")
            return this.#follow(request, standing);
        if (what === undefined)
            return send(request, 200, [], standingJson(standing));
        if (standing.answer === null)
            return send(request, 404, [], standingJson(standing));
        await this.#answerAs(request, id, standing.answer);
    }
    /** The workload's own. */
    async #answerAs(request, id, { status, fields, body }) {
        const head = [...fields, ["outrigger-job", id]];
        if (!isBlob(body))
            return request.answer(status, head, readBody(body));
        const pieces = this.#queue.store.bodies.read(body)[Symbol.asyncIterator]();
        try {
            // What is not there is said so, while it can be said.
            let piece = await pieces.next();
            request.beginStream(status, head, body.bytes);
            if (request.method !== "HEAD")
                for (; piece.done !== true && request.active; piece = await pieces.next())
                    await request.write(piece.value);
            request.endStream();
        }
        finally {
            await pieces.return?.();
        }
    }
    async #follow(request, standing) {
        // A browser asks again when a stream ends, until it is told that there is no more.
        const last = requestFields(request.headText).kept.find(([name]) => name === "last-event-id")?.[1];
        if (request.method === "HEAD" || (isEnd(standing.state) && last === standing.state))
            return request.answer(request.method === "HEAD" ? 200 : 204, [["content-type", "text/event-stream"]]);
        await this.#queue.followers.follow(request, standing, standingJson);
    }
    async #cancel(request, id) {
        const done = await this.#queue.store.cancel(id);
        if (done === null)
            return noSuchJob(request);
        if (done === "ended")
            return refuse(request, 409, "ended", "it has ended: GET tells how");
        send(request, done === "removed" ? 200 : 202, [], {
            id,
            state: done === "removed" ? "cancelled" : "cancelling",
        });
    }
}
const noSuchJob = (request) => refuse(request, 404, "no-such-job", "no job has this id, or none any more");
function send(request, status, fields, body) {
    request.answer(status, [["content-type", "application/json"], ...fields], `${JSON.stringify(body)}\n`);
}
function refuse(request, status, code, message, fields = []) {
    send(request, status, [...fields, ["x-outrigger-reason", code]], { error: code, message });
}
//# sourceMappingURL=front.js.map