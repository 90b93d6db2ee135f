/**
 * The control server: what acts, or tells more than strangers need, for this pod only. It listens on the loopbacks or
 * a unix socket; the Host header must name the loopback (a browser that was sent here by DNS rebinding says another
 * name) and `x-outrigger-control: 1` must be there (a workload tricked into fetching a URL cannot add a header). A page for
 * people has no such header: there the browser says by Sec-Fetch-Site that no other site sent it.
 */
import type { IncomingMessage, ServerResponse } from "node:http";
import { pipeline } from "node:stream/promises";
import { OutriggerError } from "../errors.ts";
import type { Logger } from "../log/logger.ts";
import { listen, type BoundServer, type ListenAddress } from "./listen.ts";

export const CONTROL_HEADER = "x-outrigger-control";
const LARGEST_BODY = 1024 * 1024;
const LOOPBACK_HOST = /^(?:localhost|127\.0\.0\.1|\[::1\])(?::\d{1,5})?$/i;

export interface ControlRequest {
  /** As it came, without its query. */
  readonly path: string;
  readonly query: URLSearchParams;
  readonly body: string;
  /** Aborts when the caller leaves or the server stops. */
  readonly signal: AbortSignal;
}

/** `json` is written indented; `stream` is for what is large, such as a heap snapshot. */
export type ControlReply =
  | { readonly status?: number; readonly json: unknown }
  | { readonly status?: number; readonly text: string; readonly contentType?: string }
  | {
      readonly status?: number;
      readonly bytes: Buffer;
      readonly contentType: string;
      readonly headers?: Readonly<Record<string, string>>;
    }
  | { readonly status?: number; readonly stream: NodeJS.ReadableStream; readonly contentType: string };

export interface ControlRoute {
  /** GET for what only tells, POST for whatever acts. */
  readonly method: "GET" | "POST";
  /** `/explain` */
  readonly path: string;
  readonly summary: string;
  /** A page for people: all that is below `path` is its, and a browser may ask for it without the header. It only tells. */
  readonly isPage?: boolean;
  handle(request: ControlRequest): ControlReply | Promise<ControlReply>;
}

export interface ControlServerOptions {
  readonly address: ListenAddress;
  readonly log: Logger;
  /** Asked anew at each request: a pattern may come to have more. */
  routes(): readonly ControlRoute[];
}

export async function startControlServer(options: ControlServerOptions): Promise<BoundServer> {
  return listen(
    "control",
    options.address,
    (request, response) => {
      const left = new AbortController();
      response.on("close", () =>
        left.abort(new OutriggerError("caller-left", "the caller of the control server left")),
      );
      answer(request, options.routes(), left.signal)
        .then((reply) => send(response, reply))
        .catch((thrown: unknown) => {
          if (left.signal.aborted) return;
          options.log.error({ error: thrown, path: request.url }, "control server failed to answer");
          if (response.headersSent) response.destroy();
          else void send(response, { status: 500, text: "failed, see the log\n" });
        });
    },
    options.log,
  );
}

async function answer(
  request: IncomingMessage,
  routes: readonly ControlRoute[],
  signal: AbortSignal,
): Promise<ControlReply> {
  const { host = "" } = request.headers;
  if (!LOOPBACK_HOST.test(host)) {
    return refusal(
      403,
      `the Host header must be localhost, 127.0.0.1 or [::1], found ${JSON.stringify(host)}`,
    );
  }
  // Node keeps the first of several, another reader may take the last.
  if ((request.headersDistinct["host"]?.length ?? 0) !== 1) return refusal(400, "send one Host header");
  const [path = "", query = ""] = (request.url ?? "").split("?", 2);
  const here = routes.filter(
    (route) => route.path === path || (route.isPage === true && path.startsWith(`${route.path}/`)),
  );
  const isPage = here.length > 0 && here.every((route) => route.isPage === true && route.method === "GET");
  if (request.headers[CONTROL_HEADER] !== "1" && !(isPage && isOfThisSite(request))) {
    return refusal(403, `add the header "${CONTROL_HEADER}: 1": it keeps browsers and tricked workloads out`);
  }
  if (here.length === 0) {
    const known = routes.map(
      (route) => `${route.method.padEnd(4)} ${route.path.padEnd(22)} ${route.summary}`,
    );
    return refusal(404, `there is no such path here; there are:\n${known.join("\n")}`);
  }
  const wanted = request.method === "HEAD" ? "GET" : request.method;
  const route = here.find(({ method }) => method === wanted);
  if (!route)
    return refusal(
      405,
      `${path} takes ${here.map(({ method }) => method).join(", ")}, not ${request.method}`,
    );
  const body = await readBody(request);
  if (body === null) return refusal(413, `a body of more than ${LARGEST_BODY} bytes is not read`);
  return route.handle({ path, query: new URLSearchParams(query), body, signal });
}

/** A browser says so of a page's own requests, and of an address that was typed; a page cannot say it itself. */
function isOfThisSite({ headers }: IncomingMessage): boolean {
  const site = headers["sec-fetch-site"];
  return site === "same-origin" || site === "none";
}

function refusal(status: number, text: string): ControlReply {
  return { status, text: `${text}\n` };
}

async function readBody(request: IncomingMessage): Promise<string | null> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > LARGEST_BODY) return null;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}

async function send(response: ServerResponse, reply: ControlReply): Promise<void> {
  const headers = { "cache-control": "no-store", "x-content-type-options": "nosniff" };
  const status = reply.status ?? 200;
  if ("stream" in reply) {
    response.writeHead(status, { ...headers, "content-type": reply.contentType });
    await pipeline(reply.stream, response);
    return;
  }
  if ("bytes" in reply) {
    const { bytes, contentType } = reply;
    const length = { "content-type": contentType, "content-length": bytes.length };
    response.writeHead(status, { ...headers, ...reply.headers, ...length });
    response.end(bytes);
    return;
  }
  const [type, body] =
    "json" in reply
      ? ["application/json; charset=utf-8", `${JSON.stringify(reply.json, null, 2)}\n`]
      : [reply.contentType ?? "text/plain; charset=utf-8", reply.text];
  response.writeHead(status, { ...headers, "content-type": type, "content-length": Buffer.byteLength(body) });
  response.end(body);
}
