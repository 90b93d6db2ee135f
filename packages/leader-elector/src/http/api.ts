/**
 * The HTTP API of an elector, for the workload beside it: who leads, whether we do, each change, and the paper's verbs.
 * Every answer is computed when it is given. GET tells, POST acts; what acts is for processes of this pod only, and not for
 * web pages.
 */
import type { IncomingMessage, RequestListener, ServerResponse } from "node:http";
import {
  didYouMean,
  formatDuration,
  OutriggerError,
  parseDuration,
  type Clock,
  type Milliseconds,
} from "@outrigger/core";
import type { Elector } from "../elector/elector.ts";
import type { Callers } from "./callers.ts";
import { eventStream } from "./event-stream.ts";
import { isOfThisPod } from "./of-this-pod.ts";
import { changeJson, standingJson } from "./standing-json.ts";

export interface ApiOptions {
  /** Those of now, by election; the first answers where a request names none and there is only one. */
  electors(): readonly Elector[];
  readonly clock: Clock;
  readonly callers: Callers;
}

interface Reply {
  readonly status: number;
  readonly json: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** What a handler is given: the election that is meant, and what was asked about it. */
interface Asked {
  readonly elector: Elector;
  readonly query: URLSearchParams;
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  /** Aborts when the caller leaves. */
  readonly left: AbortSignal;
  readonly clock: Clock;
}

/** Null: the answer is being written already. */
type Handler = (asked: Asked) => Reply | null | Promise<Reply | null>;

const LONGEST_WAIT: Milliseconds = 300_000;
const WATCH_WAIT: Milliseconds = 30_000;

const standing = (elector: Elector): Reply => ({
  status: elector.view.isLeader ? 200 : 409,
  json: standingJson(elector),
});

const TELLS: Readonly<Record<string, Handler>> = {
  // The contract of the image that came with Kubernetes' own example, and was retired.
  "/": ({ elector: { view } }) => {
    // Whoever finds his own name here acts: it is there only while we lead, not while we begin or end.
    const acts = view.leader !== view.id || view.isLeader;
    return { status: 200, json: JSON.stringify({ name: (acts && view.leader) || "" }) };
  },
  "/leader": ({ elector }) => ({ status: 200, json: standingJson(elector) }),
  "/isLeader": ({ elector }) => standing(elector),
  "/sse": eventStream,
  "/watch": watch,
};

const ACTS: Readonly<Record<string, Handler>> = {
  async "/becomeLeader"({ elector, query, left, clock }) {
    const limit = within(clock, waitOf(query, 0), left, elector.gone);
    await elector.becomeLeader(limit.signal).finally(limit.clear);
    return standing(elector);
  },
  "/renewLeadership"({ elector }) {
    elector.renew();
    return standing(elector);
  },
  async "/resign"({ elector, query }) {
    const wait = query.get("wait");
    if (wait !== null && wait !== "drained")
      throw new OutriggerError("bad-request", `wait=${JSON.stringify(wait)}: accepted: drained, or nothing`);
    const released = elector.resign();
    if (released === null) return { status: 409, json: standingJson(elector) };
    if (wait === null) return { status: 202, json: standingJson(elector) };
    await released;
    return { status: 200, json: standingJson(elector) };
  },
};

/** Serves it on whatever server it is given to. */
export function electionApi(options: ApiOptions): RequestListener {
  return (request, response) => {
    options.callers.saw(request);
    const left = new AbortController();
    response.on("close", () => left.abort(new OutriggerError("caller-left", "the caller has left")));
    answer(request, response, options, left.signal).then(
      (reply) => reply !== null && send(request, response, reply),
      (thrown: unknown) => {
        const { code, message } = OutriggerError.from(thrown);
        const status = code === "bad-request" ? 400 : 500;
        if (!response.headersSent) send(request, response, refusal(status, message));
        else response.destroy();
      },
    );
  };
}

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  { electors, clock }: ApiOptions,
  left: AbortSignal,
): Promise<Reply | null> {
  const [path = "", search = ""] = (request.url ?? "").split("?", 2);
  const tells = Object.hasOwn(TELLS, path) ? TELLS[path] : undefined;
  const acts = Object.hasOwn(ACTS, path) ? ACTS[path] : undefined;
  const handler = tells ?? acts;
  if (handler === undefined) {
    const known = [...Object.keys(TELLS), ...Object.keys(ACTS)];
    return refusal(
      404,
      `there is no ${path.slice(0, 100)}${didYouMean(path, known)}; there are: ${known.join(", ")}`,
    );
  }
  const allowed = tells ? ["GET", "HEAD"] : ["POST"];
  if (!allowed.includes(request.method ?? ""))
    return {
      ...refusal(405, `${path} takes ${allowed.join(" and ")}`),
      headers: { allow: allowed.join(", ") },
    };
  const stranger = acts ? strangerThan(request) : null;
  if (stranger !== null) return refusal(403, stranger);
  const query = new URLSearchParams(search);
  const elector = meant(electors(), query.get("election"));
  if (typeof elector === "string") return refusal(400, elector);
  // A process that was paused has not seen yet what has changed meanwhile.
  elector.look();
  return handler({ elector, query, request, response, left, clock });
}

/** Why this request may not act; null: it may. */
function strangerThan(request: IncomingMessage): string | null {
  if (!isOfThisPod(request.socket)) return "what acts is for processes of this pod, through 127.0.0.1";
  if (request.headers.origin !== undefined || request.headers["sec-fetch-site"] !== undefined)
    return "what acts is not for web pages";
  return null;
}

function meant(electors: readonly Elector[], name: string | null): Elector | string {
  const names = electors.map(({ election }) => election);
  if (name === null) {
    const [only] = electors;
    if (only !== undefined && electors.length === 1) return only;
    return `there are several elections: add ?election= and one of ${names.join(", ")}`;
  }
  const found = electors.find(({ election }) => election === name);
  return (
    found ??
    `there is no election ${JSON.stringify(name.slice(0, 100))}${didYouMean(name, names)}; there are: ${names.join(", ")}`
  );
}

/** Answers at once when there is something that the caller does not know, or may have missed; else at the next change. */
async function watch({ elector, query, left, clock }: Asked): Promise<Reply> {
  const { changes } = elector;
  const after = query.get("after") ?? changes.latest;
  const wait = query.has("after") ? waitOf(query, WATCH_WAIT) : 0;
  const known = changes.after(after);
  if (known.complete && known.changes.length === 0 && wait > 0) {
    const limit = within(clock, wait, left, elector.gone);
    await changes.next(limit.signal).finally(limit.clear);
  }
  const seen = changes.after(after);
  const list = seen.changes.map(changeJson).join(",");
  return {
    status: 200,
    json: `{"after":${JSON.stringify(changes.latest)},"complete":${seen.complete},"changes":[${list}],"now":${standingJson(elector)}}`,
  };
}

interface Limit {
  readonly signal: AbortSignal;
  readonly clear: () => void;
}

/** A signal that aborts after that span, or with one of these: when the caller leaves, when the election is no more. */
function within(clock: Clock, span: Milliseconds, ...ends: readonly AbortSignal[]): Limit {
  const controller = new AbortController();
  const abort = (): void => controller.abort();
  if (span <= 0 || ends.some((end) => end.aborted)) abort();
  const timer = clock.timer(Math.max(0, span), abort);
  for (const end of ends) end.addEventListener("abort", abort, { once: true });
  return {
    signal: controller.signal,
    clear: () => {
      timer.clear();
      for (const end of ends) end.removeEventListener("abort", abort);
    },
  };
}

function waitOf(query: URLSearchParams, fallback: Milliseconds): Milliseconds {
  const text = query.get("wait");
  if (text === null) return fallback;
  try {
    return Math.min(LONGEST_WAIT, parseDuration(text));
  } catch (thrown) {
    const { message } = OutriggerError.from(thrown);
    throw new OutriggerError("bad-request", `wait: ${message}, at most ${formatDuration(LONGEST_WAIT)}`);
  }
}

function refusal(status: number, error: string): Reply {
  return { status, json: JSON.stringify({ error }) };
}

function send(request: IncomingMessage, response: ServerResponse, { status, json, headers }: Reply): void {
  const body = `${json}\n`;
  response.writeHead(status, {
    "content-type": "application/json",
    "cache-control": "no-store",
    "x-content-type-options": "nosniff",
    "content-length": Buffer.byteLength(body),
    ...headers,
  });
  response.end(request.method === "HEAD" ? undefined : body);
}
