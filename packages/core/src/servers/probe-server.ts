/**
 * The probe server: /livez, /readyz, /startupz (each ?verbose), /metrics, on the pod's network, because kubelet and
 * Prometheus dial the pod IP. Anyone may ask; nothing that they ask changes state. GET and HEAD only.
 */
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Logger } from "../log/logger.ts";
import type { Metrics } from "../metrics/metrics.ts";
import type { HealthCheck, HealthState } from "./health.ts";
import { listen, type BoundServer, type ListenAddress } from "./listen.ts";

export interface ProbeServerOptions {
  readonly address: ListenAddress;
  readonly metrics: Metrics;
  readonly log: Logger;
  /** Asked anew at each request. */
  checks(): readonly HealthCheck[];
  /** Later pages that only tell (an elector's /isLeader); by path. */
  readonly pages?: ReadonlyMap<string, () => { readonly status: number; readonly body: string }>;
}

const KIND_OF_PATH = new Map<string, HealthCheck["kind"]>([
  ["/livez", "live"],
  ["/readyz", "ready"],
  ["/startupz", "startup"],
]);

export async function startProbeServer(options: ProbeServerOptions): Promise<BoundServer> {
  const paths = [...KIND_OF_PATH.keys(), "/metrics", ...(options.pages?.keys() ?? [])];
  const answer = async (request: IncomingMessage): Promise<Reply> => {
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
    const page = options.pages?.get(path);
    if (page) return page();
    return { status: 404, body: `there is no such path here; there are:\n${paths.join("\n")}\n` };
  };
  return listen(
    "probe",
    options.address,
    (request, response) => {
      answer(request).then(
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
