/**
 * The probe server: /livez, /readyz, /startupz (each ?verbose), /metrics, on the pod's network, because kubelet and
 * Prometheus dial the pod IP. Anyone may ask; nothing that they ask changes state, but for /drain, which is only there on a
 * gate, asks for a token, and takes itself back. GET and HEAD only, because the kubelet's hooks send GET.
 */
import { createHash, timingSafeEqual } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Logger } from "../log/logger.ts";
import type { Metrics } from "../metrics/metrics.ts";
import type { HealthCheck, HealthState } from "./health.ts";
import type { DrainAnswer } from "../lifecycle/gate-drain.ts";
import { listen, type BoundServer, type ListenAddress } from "./listen.ts";

export interface ProbeServerOptions {
  readonly address: ListenAddress;
  readonly metrics: Metrics;
  readonly log: Logger;
  /** Asked anew at each request. */
  checks(): readonly HealthCheck[];
  /** What GET /drain does, and for whom; null where it is not there. Asked anew at each request. */
  drain?(): DrainDoor | null;
  /** What else only tells. Asked anew at each request. */
  pages?(): ProbePages | undefined;
}

/** By path: `/isLeader`. */
export type ProbePages = ReadonlyMap<
  string,
  (query: URLSearchParams) => { readonly status: number; readonly body: string }
>;

export interface DrainDoor {
  /** What the header x-outrigger-drain must say. */
  readonly token: string;
  request(): Promise<DrainAnswer>;
}

const KIND_OF_PATH = new Map<string, HealthCheck["kind"]>([
  ["/livez", "live"],
  ["/readyz", "ready"],
  ["/startupz", "startup"],
]);

export async function startProbeServer(options: ProbeServerOptions): Promise<BoundServer> {
  const askers = new Set<ServerResponse>();
  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<Reply> => {
    const [path = "", query = ""] = (request.url ?? "").split("?", 2);
    if (request.method !== "GET" && request.method !== "HEAD") {
      return {
        status: 405,
        body: "only GET and HEAD: nothing here changes state\n",
        headers: { allow: "GET, HEAD" },
      };
    }
    const kind = KIND_OF_PATH.get(path);
    if (kind) return health(kind, options.checks(), new URLSearchParams(query).has("verbose"));
    if (path === "/metrics") {
      const { contentType, body } = await options.metrics.expose(request.headers.accept);
      return { status: 200, body, headers: { "content-type": contentType, vary: "accept" } };
    }
    const pages = options.pages?.();
    const page = pages?.get(path);
    if (page) return page(new URLSearchParams(query));
    const drain = options.drain?.() ?? null;
    if (path === "/drain" && drain !== null) return drainFor(request, response, drain, askers);
    const paths = [...KIND_OF_PATH.keys(), "/metrics", ...(pages?.keys() ?? [])];
    if (drain !== null) paths.push("/drain");
    return { status: 404, body: `there is no such path here; there are:\n${paths.join("\n")}\n` };
  };
  return listen(
    "probe",
    options.address,
    (request, response) => {
      answer(request, response).then(
        (reply) => send(response, request, reply),
        (thrown: unknown) => {
          options.log.error({ error: thrown, path: request.url }, "probe server failed to answer");
          send(response, request, { status: 500, body: "failed, see the log\n" });
        },
      );
    },
    options.log,
  );
}

interface Reply {
  readonly status: number;
  readonly body: string;
  readonly headers?: Readonly<Record<string, string>>;
}

const DRAIN_HEADER = "x-outrigger-drain";
/** More than a pod has containers, and half of what the server has connections: the kubelet's probes still get one. */
const MOST_ASKERS = 32;

/** @param askers who waits for the drain now */
async function drainFor(
  request: IncomingMessage,
  response: ServerResponse,
  drain: DrainDoor,
  askers: Set<ServerResponse>,
): Promise<Reply> {
  if (request.method !== "GET")
    return {
      status: 405,
      body: "/drain takes GET, as the kubelet's httpGet sends it\n",
      headers: { allow: "GET" },
    };
  const given = request.headers[DRAIN_HEADER];
  if (typeof given !== "string" || !sameText(given, drain.token)) {
    const found = given === undefined ? "there is none" : "it is another";
    return {
      status: 403,
      body: `the header ${DRAIN_HEADER} must hold the drain token (--drain-token): ${found}\n`,
    };
  }
  if (askers.size >= MOST_ASKERS) return { status: 503, body: `${MOST_ASKERS} ask already: one is enough\n` };
  askers.add(response);
  response.once("close", () => askers.delete(response));
  const { drained, detail } = await drain.request();
  return { status: drained ? 200 : 503, body: `${detail}\n` };
}

/** Takes as long whatever the texts have in common. */
function sameText(one: string, other: string): boolean {
  const digest = (text: string): Buffer => createHash("sha256").update(text).digest();
  return timingSafeEqual(digest(one), digest(other));
}

function health(kind: HealthCheck["kind"], checks: readonly HealthCheck[], verbose: boolean): Reply {
  const states = checks
    .filter((check) => check.kind === kind)
    .map((check) => ({ name: check.name, ...ask(check) }));
  const failed = states.filter((state) => !state.ok);
  const verdict = failed.length === 0 ? "ok" : `failed: ${failed.map(({ name }) => name).join(", ")}`;
  // A failing probe says why even unasked: kubelet puts the body into the pod's events.
  const lines = (verbose ? states : failed).map(
    ({ name, ok, detail }) => `[${ok ? "+" : "-"}] ${name}${detail === undefined ? "" : `: ${detail}`}\n`,
  );
  return { status: failed.length === 0 ? 200 : 503, body: `${lines.join("")}${verdict}\n` };
}

function ask(check: HealthCheck): HealthState {
  try {
    return check.check();
  } catch (thrown) {
    return { ok: false, detail: `the check itself failed: ${String(thrown)}` };
  }
}

function send(response: ServerResponse, request: IncomingMessage, reply: Reply): void {
  response.writeHead(reply.status, {
    "content-type": "text/plain; charset=utf-8",
    "cache-control": "no-store",
    "x-content-type-options": "nosniff",
    "content-length": Buffer.byteLength(reply.body),
    ...reply.headers,
  });
  response.end(request.method === "HEAD" ? undefined : reply.body);
}
