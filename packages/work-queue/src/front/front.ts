/** Takes callers' requests in as jobs, and tells what became of them. */
import { OutriggerError, type Bytes } from "@outrigger/core";
import type { Fields, Handler, ServedRequest } from "@outrigger/proxy";
import { readBody, storeBody } from "../job/body.ts";
import { requestFields, type Field } from "../job/fields.ts";
import { isEnd, standingJson, type Standing } from "../job/standing.ts";
import type { Added, JobStore } from "../queue/job-store.ts";
import type { Followers } from "./followers.ts";
import type { FrontMetrics } from "./front-metrics.ts";
import { waitPreference } from "./prefer.ts";
import type { Waits } from "./waits.ts";

export interface FrontDeps {
  /** null: the backend was not reached yet. */
  queue(): FrontQueue | null;
  readonly maxBody: Bytes;
  readonly maxDepth: number;
  readonly metrics: FrontMetrics;
}

export interface FrontQueue {
  readonly store: JobStore;
  readonly waits: Waits;
  readonly followers: Followers;
}

const JOB = /^\/jobs\/([0-9a-f]{32})(?:\/(result|events))?(?:\?|$)/;

const REFUSALS: ReadonlySet<string> = new Set(["body-too-large", "key-reused", "full", "backend-away"]);

export class Front implements Handler {
  readonly #deps: FrontDeps;

  constructor(deps: FrontDeps) {
    this.#deps = deps;
  }

  takes(): boolean {
    return true;
  }

  async handle(request: ServedRequest): Promise<void> {
    try {
      const asked = JOB.exec(request.target);
      if (asked === null) await this.#take(request);
      else await this.#tell(request, asked[1] as string, asked[2]);
    } catch (thrown) {
      const { code, message } = OutriggerError.from(thrown);
      if (REFUSALS.has(code)) this.#deps.metrics.refused(code);
      if (code === "body-too-large") refuse(request, 413, code, `${message} (maxBody)`);
      else if (code === "key-reused") refuse(request, 422, code, message);
      else if (code === "full" || code === "too-many-followers")
        refuse(request, 429, code, message, [["retry-after", "5"]]);
      else if (code === "backend-away") refuse(request, 503, code, message, [["retry-after", "1"]]);
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
    const { id } = await this.#keep(request, kept, toUs.get("idempotency-key"));
    const wait = waitPreference(toUs.get("prefer"));
    let standing: Standing | null = null;
    try {
      if (wait > 0) standing = await waits.ended(id, wait, request);
    } catch (thrown) {
      // The job is kept, and whoever were told otherwise would send it again.
      if (OutriggerError.from(thrown).code !== "backend-away") throw thrown;
    }
    if (standing?.answer) return answerAs(request, standing);
    const location = `/jobs/${id}`;
    send(request, 202, [["location", location]], { id, state: standing?.state ?? "waiting", location });
  }

  /** Apart from the waiting for its end, which holds no body. @throws OutriggerError why it is not kept */
  async #keep(request: ServedRequest, fields: readonly Field[], key: string | undefined): Promise<Added> {
    const { maxBody, maxDepth, metrics } = this.#deps;
    const { store } = this.#queue;
    if (store.depth.unfinished >= maxDepth)
      throw new OutriggerError("full", `${maxDepth} jobs wait or run (maxDepth)`);
    const body = await request.wholeBody(maxBody);
    const { method, target } = request;
    const added = await store.add({ method, target, fields, body: storeBody(body) }, key);
    (added.isKnown ? metrics.known : metrics.kept).inc();
    if (!added.isKnown) store.depth.added();
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
    answerAs(request, standing);
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

/** The workload's own answer. */
function answerAs(request: ServedRequest, { id, answer }: Standing): void {
  if (answer === null) return;
  const { status, fields, body } = answer;
  request.answer(status, [...fields, ["outrigger-job", id]], readBody(body));
}

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
