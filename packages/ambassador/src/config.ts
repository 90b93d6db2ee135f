/** What an ambassador is told: its routes, each one listener, one protocol, one upstream, one role. */
import {
  booleanOption,
  durationOption,
  filePathSchema,
  formatDuration,
  formatHostPort,
  hostPortSchema,
  intOption,
  listOption,
  numberOption,
  OutriggerError,
  parseRouteLine,
  sizeOption,
  type HostPort,
} from "@outrigger/core";
import { HTTP1_DEFAULTS } from "@outrigger/proxy";
import { checkUpstream, upstreamShape, type UpstreamConfig } from "@outrigger/upstream";
import * as z from "zod";

const DAY = 86_400_000;
/** A container that ended is started again at once; most applications start within ten seconds. */
const GATE_HOLD = 10_000;

/** A limit in time. The default is the engine's own, so that it is written down once. */
const limit = (defaultMs: number, what: string) =>
  durationOption({ min: 0, max: DAY })
    .prefault(defaultMs === 0 ? "0s" : formatDuration(defaultMs))
    .describe(`${what} 0s: no limit.`);

const tlsSchema = z
  .strictObject({
    caFile: filePathSchema
      .optional()
      .describe("PEM file of the authorities to trust. Default: those that Node ships."),
    certFile: filePathSchema.optional().describe("PEM file of our own certificate, for mTLS; with keyFile."),
    keyFile: filePathSchema.optional().describe("PEM file of our own key, for mTLS; with certFile."),
    serverName: z
      .string()
      .min(1)
      .max(253)
      .optional()
      .describe(
        "The name to ask for (SNI) and to find in the endpoint's certificate. Default: the endpoint's host.",
      ),
  })
  .superRefine((tls, context) => {
    if ((tls.certFile === undefined) === (tls.keyFile === undefined)) return;
    context.addIssue({
      code: "custom",
      path: [tls.certFile === undefined ? "certFile" : "keyFile"],
      message: "tls.certFile and tls.keyFile go together: mTLS needs the certificate and its key",
    });
  });

const httpShape = {
  timeout: limit(
    HTTP1_DEFAULTS.timeout,
    "From a request's head to the last byte of its answer, retries included.",
  ),
  perTryTimeout: limit(
    HTTP1_DEFAULTS.perTryTimeout,
    "From sending an attempt to the head of its answer; then an idempotent request is tried elsewhere.",
  ),
  connectTimeout: limit(HTTP1_DEFAULTS.connectTimeout, "TCP and TLS handshake with an endpoint."),
  headTimeout: limit(HTTP1_DEFAULTS.headTimeout, "A client's time to send a request head."),
  idleTimeout: limit(
    HTTP1_DEFAULTS.idleTimeout,
    "How long a client's connection may wait for its next request.",
  ),
  stallTimeout: limit(
    HTTP1_DEFAULTS.stallTimeout,
    "How long a request may make no progress in either direction.",
  ),
  maxWait: limit(
    HTTP1_DEFAULTS.maxWait,
    "How long a request waits in the line for a connection (maxPending); then 503.",
  ),
  maxPendingBytes: sizeOption({ min: 0, max: 1024 ** 3 })
    .prefault("16Mi")
    .describe("Bytes of bodies that requests in the line may hold in memory, together."),
  hold: durationOption({ min: 0, max: 3_600_000 })
    .optional()
    .describe(
      "How long a request waits for a workload that refuses connections, while it starts or restarts; then 503. For one endpoint. 0s: not at all. Default: 10s for role ingress with one endpoint, else 0s.",
    ),
  upstreamIdleTimeout: durationOption({ min: 0, max: DAY })
    .prefault(formatDuration(HTTP1_DEFAULTS.upstreamIdleTimeout))
    .describe(
      "How long an upstream connection is kept for reuse; an endpoint's Keep-Alive timeout, less a second, takes its place. 0s: a new one for each request, unless the endpoint says Keep-Alive.",
    ),
  tunnelIdleTimeout: limit(
    HTTP1_DEFAULTS.tunnelIdleTimeout,
    "How long an upgraded connection (WebSocket) may be silent.",
  ),
  maxHeadBytes: sizeOption({ min: 1024, max: 1024 ** 2 })
    .prefault("32Ki")
    .describe("Largest head of a request or an answer."),
  maxHeadFields: intOption({ min: 10, max: 1000 })
    .prefault(HTTP1_DEFAULTS.maxHeadFields)
    .describe("Most fields of a head."),
  retryStatuses: listOption()
    .pipe(z.array(z.string().regex(/^[45]\d\d$/, { error: "accepted: statuses from 400 to 599" })))
    .prefault([...HTTP1_DEFAULTS.retryStatuses].map(String))
    .describe("Statuses for which an idempotent request is tried elsewhere. Empty: none."),
  retryBodyBytes: sizeOption({ min: 0, max: 64 * 1024 ** 2 })
    .prefault("0")
    .describe(
      "Bytes of an idempotent request's body (PUT, DELETE) kept for a retry. 0: a request whose body was sent is not repeated.",
    ),
  forwarded: booleanOption().prefault(HTTP1_DEFAULTS.forwarded).describe("Add X-Forwarded-For and -Proto."),
  host: z
    .string()
    .min(1)
    .max(253)
    .regex(/^[\x21-\x7e]+$/)
    .optional()
    .describe(
      "Sent as Host instead of the client's, which goes into X-Forwarded-Host. Default: the client's Host.",
    ),
  explain: booleanOption()
    .prefault(HTTP1_DEFAULTS.explain)
    .describe("Answers carry x-outrigger-endpoint, -attempts and -reason."),
  accessLog: numberOption({ min: 0, max: 1 })
    .prefault(0)
    .describe(
      "Share of requests that are logged, 0 to 1. Answers by the ambassador itself are always logged.",
    ),
} as const;

export const routeSchema = z
  .strictObject({
    name: z
      .string()
      .regex(/^[a-z0-9]([a-z0-9.-]{0,61}[a-z0-9])?$/i, {
        error: "accepted: letters, digits, '-' and '.', at most 63",
      })
      .optional()
      .describe(
        "The listener's and upstream's name in metrics and logs. Default: the address it listens on.",
      ),
    listen: hostPortSchema.describe("PORT or HOST:PORT. Without a host: 127.0.0.1 and ::1."),
    protocol: z
      .enum(["http", "https"])
      .describe("http: HTTP/1.x in clear to the endpoints. https: over TLS."),
    role: z
      .enum(["egress", "ingress"])
      .default("egress")
      .describe(
        "egress: the workload calls out through it. ingress: the platform calls in. Decides how it drains.",
      ),
    ...upstreamShape,
    discovery: upstreamShape.discovery
      .unwrap()
      .optional()
      .describe(
        `${upstreamShape.discovery.description ?? ""} Default: dns when an endpoint is a name other than localhost (past /etc/hosts, so that an aliased name does not loop), else static.`,
      ),
    ...httpShape,
    tls: tlsSchema
      .optional()
      .describe(
        "TLS to the endpoints, for protocol https. Files are looked at every few seconds and read again when they changed.",
      ),
  })
  .overwrite((route) => ({
    ...route,
    discovery: route.discovery ?? discoveryFor(route.endpoints),
    hold: route.hold ?? (isGate(route) ? GATE_HOLD : 0),
  }))
  .superRefine((route, context) => {
    checkUpstream(upstreamOf(route), context);
    if (route.hold !== undefined && route.hold > 0 && !hasOneEndpoint(route)) {
      const message =
        "hold waits for one workload: with several endpoints another one is asked; remove hold, or leave one";
      context.addIssue({ code: "custom", path: ["hold"], message });
    }
    if (route.hold !== undefined && route.hold > 0 && route.health !== "off" && route.panicThreshold === 0) {
      const message =
        "with a health check and panicThreshold 0% an unhealthy workload is no endpoint, so that nothing could wait for it: remove health or panicThreshold, or set hold=0s";
      context.addIssue({ code: "custom", path: ["hold"], message });
    }
    if (route.tls !== undefined && route.protocol !== "https") {
      context.addIssue({
        code: "custom",
        path: ["tls"],
        message: "tls is only for protocol https: write https://, or remove tls",
      });
    }
  });

/** In front of one workload, for who calls in. */
export const isGate = (route: {
  role: string;
  endpoints: readonly unknown[];
  discovery?: string | undefined;
}): boolean => route.role === "ingress" && hasOneEndpoint(route);

const hasOneEndpoint = (route: { endpoints: readonly unknown[]; discovery?: string | undefined }): boolean =>
  route.endpoints.length === 1 && (route.discovery === undefined || route.discovery === "static");

export type RouteConfig = z.output<typeof routeSchema>;

export const ambassadorSchema = z.strictObject({
  routes: z
    .array(routeSchema)
    .superRefine(checkRoutes)
    .prefault([])
    .describe("What it listens to, and where that goes. At least one."),
});

export type AmbassadorConfig = z.output<typeof ambassadorSchema>;
export type RouteInput = z.input<typeof routeSchema>;

/** As a developer writes it: each route as an object, or as one line. */
export interface AmbassadorInput {
  readonly routes: readonly (RouteInput | string)[];
}

/** The upstream's part of a route. */
export function upstreamOf(route: RouteConfig): UpstreamConfig {
  return { ...route, discovery: route.discovery ?? discoveryFor(route.endpoints) };
}

function discoveryFor(endpoints: readonly { readonly host: string }[]): "static" | "dns" {
  return endpoints.some(({ host }) => host !== "localhost" && !/^[\d.]+$|:/.test(host)) ? "dns" : "static";
}

/** There is one, and each has an address and a name of its own. */
function checkRoutes(routes: readonly RouteConfig[], context: z.RefinementCtx): void {
  if (routes.length === 0) {
    const message = "an ambassador needs at least one, for example --route 8001=http://catalog:8080";
    context.addIssue({ code: "custom", path: [], message });
  }
  const names = new Map<string, number>();
  const addresses = new Map<string, number>();
  for (const [index, route] of routes.entries()) {
    const address = formatHostPort(route.listen);
    const name = routeName(route);
    // Port 0 is another port each time.
    const sameAddress = route.listen.port === 0 ? undefined : addresses.get(address);
    const sameName = names.get(name);
    if (sameAddress !== undefined) {
      const message = `${address} is taken by routes[${sameAddress}]: each route needs a port of its own`;
      context.addIssue({ code: "custom", path: [index, "listen"], message });
    } else if (sameName !== undefined) {
      const message = `${JSON.stringify(name)} is the name of routes[${sameName}], too: give one of them another name`;
      context.addIssue({ code: "custom", path: [index, "name"], message });
    }
    addresses.set(address, index);
    names.set(name, index);
  }
}

/** `127.0.0.1:8001` is `8001`: what tells one route from another across reloads, and names it where it has no name. */
export function routeName(route: { readonly name?: string | undefined; readonly listen: HostPort }): string {
  return route.name ?? formatHostPort(route.listen);
}

/**
 * Reads a config as a developer writes it.
 * @throws OutriggerError `bad-config`, with every problem in its message; `bad-route` for a line that is none
 */
export function parseAmbassadorConfig(input: AmbassadorInput): AmbassadorConfig {
  const routes = input.routes.map((route) => (typeof route === "string" ? parseRouteLine(route) : route));
  const parsed = ambassadorSchema.safeParse({ ...input, routes });
  if (!parsed.success)
    throw new OutriggerError("bad-config", z.prettifyError(parsed.error), { cause: parsed.error });
  return parsed.data;
}
