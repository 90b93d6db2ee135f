/** Takes callers' requests in as jobs, and tells what became of them. */
import { createHash, randomUUID } from "node:crypto";
import { OutriggerError, type Bytes, type Clock } from "@outrigger/core";
import type { Fields, Handler, ServedRequest } from "@outrigger/proxy";
import { ruleFor, type Rule } from "../config/rules-option.ts";
import { INLINE_BYTES } from "../blobs/blob-store.ts";
import type { Answer } from "../job/answer.ts";
import { isBlob, readBody, storeBody, type StoredBody } from "../job/body.ts";
import { requestFields, type Field } from "../job/fields.ts";
import { isEnd, standingJson, type JobState, type Standing } from "../job/standing.ts";
import type { Added, JobStore } from "../queue/job-store.ts";
import type { Followers } from "./followers.ts";
import type { FrontMetrics } from "./front-metrics.ts";
import { waitPreference } from "./prefer.ts";
import type { Waits } from "./waits.ts";
import { wishesOf, type Wishes } from "./wishes.ts";

export interface FrontDeps {
  /** null: the backend was not reached yet. */
  queue(): FrontQueue | null;
  readonly clock: Clock;
  readonly metrics: FrontMetrics;
}

export interface FrontLimits {
  readonly maxBody: Bytes;
  readonly maxDepth: number;
  /** Of large bodies, all together. */
  readonly maxBytes: Bytes;
  readonly rules: readonly Rule[];
}

export interface FrontQueue {
  readonly store: JobStore;
  readonly waits: Waits;
  readonly followers: Followers;
}

const JOB = /^\/jobs\/([0-9a-f]{32})(?:\/(result|events))?(?:\?|$)/;

const REFUSALS: ReadonlySet<string> = new Set([
  "bad-field",
  "body-too-large",
  "key-reused",
  "full",
  "backend-away",
  "blob-not-kept",
]);

/** An answer is there, and cannot be had, or not now. */
const UNREAD: ReadonlySet<string> = new Set(["blob-not-read", "no-such-blob", "backend-away"]);

export class Front implements Handler {
  readonly #deps: FrontDeps;
  #limits: FrontLimits;

  constructor(limits: FrontLimits, deps: FrontDeps) {
    this.#limits = limits;
    this.#deps = deps;
  }

  /** For requests that come from now on. */
  reload(limits: FrontLimits): void {
    this.#limits = limits;
  }

  takes(method: string, target: string): boolean {
    return JOB.test(target) || ruleFor(this.#limits.rules, method, target)?.passes !== true;
  }

  async handle(request: ServedRequest): Promise<void> {
    try {
      const asked = JOB.exec(request.target);
      if (asked === null) await this.#take(request);
      else await this.#tell(request, asked[1] as string, asked[2]);
    } catch (thrown) {
      const { code, message } = OutriggerError.from(thrown);
      if (REFUSALS.has(code)) this.#deps.metrics.refused(code);
      if (code === "body-too-large") refuse(request, 413, code, message);
      else if (code === "bad-field") refuse(request, 400, code, message);
      else if (code === "key-reused") refuse(request, 422, code, message);
      else if (code === "full" || code === "too-many-followers")
        refuse(request, 429, code, message, [["retry-after", "5"]]);
      else if (code === "backend-away" || code === "blob-not-kept" || code === "blob-not-read")
        refuse(request, 503, code, message, [["retry-after", "1"]]);
      else if (code === "no-such-blob") refuse(request, 410, code, message);
      else throw thrown;
    }
  }

  /** @throws OutriggerError `backend-away` */
  get #queue(): FrontQueue {
    const queue = this.#deps.queue();
    if (queue === null) throw new OutriggerError("backend-away", "the queue's backend is not reached yet");
    return queue;
  }

  async #take(request: ServedRequest): Promise<void> {
    const { waits } = this.#queue;
    const { kept, toUs } = requestFields(request.headText);
    const wishes = wishesOf(toUs, ruleFor(this.#limits.rules, request.method, request.target));
    const key = toUs.get("idempotency-key");
    if (key === "")
      throw new OutriggerError(
        "bad-field",
        "Idempotency-Key is empty: send a text that is this request's own, or leave it out",
      );
    const { id, isKnown } = await this.#keep(request, kept, wishes, key);
    const wait = waitPreference(toUs.get("prefer"));
    let standing: Standing | null = null;
    try {
      if (wait > 0) standing = await waits.ended(id, wait, request);
    } catch (thrown) {
      // The job is kept, and whoever were told otherwise would send it again.
      if (OutriggerError.from(thrown).code !== "backend-away") throw thrown;
    }
    if (standing?.answer)
      try {
        return await this.#answerAs(request, standing.id, standing.answer);
      } catch (thrown) {
        // Begun, it cannot be taken back; else the job is kept all the same.
        if (request.status !== 0 || !UNREAD.has(OutriggerError.from(thrown).code)) throw thrown;
      }
    const location = `/jobs/${id}`;
    const state = standing?.state ?? (isKnown ? await this.#stateOf(id) : "waiting");
    send(request, 202, [["location", location]], { id, state, location });
  }

  /** Of a job that is kept, whether it can be asked for now or not. */
  async #stateOf(id: string): Promise<JobState> {
    try {
      return (await this.#queue.store.find(id))?.state ?? "waiting";
    } catch {
      return "waiting";
    }
  }

  /** Apart from the waiting for its end, which holds no body. @throws OutriggerError why it is not kept */
  async #keep(
    request: ServedRequest,
    fields: readonly Field[],
    wishes: Wishes,
    key: string | undefined,
  ): Promise<Added> {
    const { clock, metrics } = this.#deps;
    const { maxBody, maxDepth, maxBytes } = this.#limits;
    const { store } = this.#queue;
    if (store.depth.unfinished >= maxDepth)
      throw new OutriggerError("full", `${maxDepth} jobs wait or run (maxDepth)`);
    if (request.length > INLINE_BYTES && store.depth.bytes >= maxBytes)
      throw new OutriggerError("full", `large bodies have ${maxBytes} bytes together (maxBytes)`);
    const { method, target } = request;
    const tooLarge = (): OutriggerError =>
      new OutriggerError("body-too-large", `the body has more than ${maxBody} bytes (maxBody)`);
    if (request.length !== Infinity && request.length > maxBody) throw tooLarge();
    const digest = key === undefined ? undefined : createHash("sha256").update(`${method} ${target}\n`);
    // Drawn from a store of random bytes: to ask for 16 each time costs a tenth of keeping a job.
    const id = randomUUID().replaceAll("-", "");
    let body: StoredBody;
    if (request.length <= INLINE_BYTES) {
      const bytes = await request.wholeBody(maxBody);
      digest?.update(bytes);
      body = storeBody(bytes);
    } else body = await store.bodies.keep(id, request.body(), { max: maxBody, tooLarge, digest });
    if (isBlob(body)) store.depth.addedBytes(body.bytes);
    const deadline = wishes.deadline === null ? {} : { deadline: clock.wallTime() + wishes.deadline };
    const added = await store.add(
      id,
      { method, target, fields, body, ...deadline },
      wishes,
      key === undefined || digest === undefined ? null : { key, fingerprint: digest.digest("hex") },
    );
    (added.isKnown ? metrics.known : metrics.kept).inc();
    if (!added.isKnown) store.depth.added(wishes.delay);
    return added;
  }

  /** @param what `result`, `events`; undefined: where it stands */
  async #tell(request: ServedRequest, id: string, what: string | undefined): Promise<void> {
    if (request.method === "DELETE" && what === undefined) return this.#cancel(request, id);
    if (request.method !== "GET" && request.method !== "HEAD")
      return refuse(request, 405, "method", "GET tells of a job, DELETE cancels it", [
        ["allow", what === undefined ? "GET, HEAD, DELETE" : "GET, HEAD"],
      ]);
    const standing = await this.#queue.store.find(id);
    if (standing === null) return noSuchJob(request);
    if (what === "events") return this.#follow(request, standing);
    if (what === undefined) return send(request, 200, [], standingJson(standing));
    if (standing.answer === null) return send(request, 404, [], standingJson(standing));
    await this.#answerAs(request, id, standing.answer);
  }

  /** The workload's own. */
  async #answerAs(request: ServedRequest, id: string, { status, fields, body }: Answer): Promise<void> {
    const head: Fields = [...fields, ["outrigger-job", id]];
    if (!isBlob(body)) return request.answer(status, head, readBody(body));
    const pieces = this.#queue.store.bodies.read(body)[Symbol.asyncIterator]();
    try {
      // What is not there is said so, while it can be said.
      let piece = await pieces.next();
      request.beginStream(status, head, body.bytes);
      if (request.method !== "HEAD")
        for (; piece.done !== true && request.active; piece = await pieces.next())
          await request.write(piece.value);
      request.endStream();
    } finally {
      await pieces.return?.();
    }
  }

  async #follow(request: ServedRequest, standing: Standing): Promise<void> {
    // A browser asks again when a stream ends, until it is told that there is no more.
    const last = requestFields(request.headText).kept.find(([name]) => name === "last-event-id")?.[1];
    if (request.method === "HEAD" || (isEnd(standing.state) && last === standing.state))
      return request.answer(request.method === "HEAD" ? 200 : 204, [["content-type", "text/event-stream"]]);
    await this.#queue.followers.follow(request, standing, standingJson);
  }

  async #cancel(request: ServedRequest, id: string): Promise<void> {
    const done = await this.#queue.store.cancel(id);
    if (done === null) return noSuchJob(request);
    if (done === "ended") return refuse(request, 409, "ended", "it has ended: GET tells how");
    send(request, done === "removed" ? 200 : 202, [], {
      id,
      state: done === "removed" ? "cancelled" : "cancelling",
    });
  }
}

const noSuchJob = (request: ServedRequest): void =>
  refuse(request, 404, "no-such-job", "no job has this id, or none any more");

function send(request: ServedRequest, status: number, fields: Fields, body: object): void {
  request.answer(status, [["content-type", "application/json"], ...fields], `${JSON.stringify(body)}\n`);
}

function refuse(
  request: ServedRequest,
  status: number,
  code: string,
  message: string,
  fields: Fields = [],
): void {
  send(request, status, [...fields, ["x-outrigger-reason", code]], { error: code, message });
}
