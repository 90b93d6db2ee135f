/** What an ambassador is told: its routes, each one listener, one protocol, one upstream, one role. */
import {
  booleanOption,
  durationOption,
  filePathSchema,
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
import { z } from "zod";

const DAY = 86_400_000;

/** A limit in time; 0s turns it off. The default is the engine's own, so that it is written down once. */
const limit = (defaultMs: number, what: string) => {
  const text = defaultMs === 0 ? "0s" : defaultMs % 1000 === 0 ? `${defaultMs / 1000}s` : `${defaultMs}ms`;
  return durationOption({ min: 0, max: DAY })
    .prefault(text)
    .describe(`${what} Default ${text === "0s" ? "0s = no limit" : text}.`);
};

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
  upstreamIdleTimeout: limit(
    HTTP1_DEFAULTS.upstreamIdleTimeout,
    "How long an upstream connection is kept for reuse; an endpoint's Keep-Alive timeout, less a second, takes its place.",
  ),
  tunnelIdleTimeout: limit(
    HTTP1_DEFAULTS.tunnelIdleTimeout,
    "How long an upgraded connection (WebSocket) may be silent.",
  ),
  maxHeadBytes: sizeOption({ min: 1024, max: 1024 ** 2 })
    .prefault("32Ki")
    .describe("Largest head of a request or an answer. Default 32Ki."),
  maxHeadFields: intOption({ min: 10, max: 1000 })
    .prefault(HTTP1_DEFAULTS.maxHeadFields)
    .describe("Most fields of a head. Default 100."),
  retryStatuses: listOption()
    .pipe(z.array(z.string().regex(/^[45]\d\d$/, { error: "accepted: statuses from 400 to 599" })))
    .prefault([...HTTP1_DEFAULTS.retryStatuses].map(String))
    .describe(
      "Statuses for which an idempotent request is tried elsewhere. Default 502,503,504; empty = none.",
    ),
  retryBodyBytes: sizeOption({ min: 0, max: 64 * 1024 ** 2 })
    .prefault("0")
    .describe(
      "Bytes of an idempotent request's body (PUT, DELETE) kept for a retry. Default 0: a request whose body was sent is not repeated.",
    ),
  forwarded: booleanOption()
    .prefault(HTTP1_DEFAULTS.forwarded)
    .describe("Add X-Forwarded-For and -Proto. Default true."),
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
    .describe("Answers carry x-outrigger-endpoint, -attempts and -reason. Default false."),
  accessLog: numberOption({ min: 0, max: 1 })
    .prefault(0)
    .describe(
      "Share of requests that are logged, 0 to 1. Answers by the ambassador itself are always logged. Default 0.",
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
        "egress: the workload calls out through it. ingress: the platform calls in. Decides how it drains. Default egress.",
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
  .overwrite((route) => ({ ...route, discovery: route.discovery ?? discoveryFor(route.endpoints) }))
  .superRefine((route, context) => {
    checkUpstream(upstreamOf(route), context);
    if (route.tls !== undefined && route.protocol !== "https") {
      context.addIssue({
        code: "custom",
        path: ["tls"],
        message: "tls is only for protocol https: write https://, or remove tls",
      });
    }
  });

export type RouteConfig = z.output<typeof routeSchema>;

export const ambassadorSchema = z.strictObject({
  routes: z
    .array(routeSchema)
    .min(1, { error: "an ambassador needs at least one route, for example --route 8001=http://catalog:8080" })
    .describe("What it listens to, and where that goes."),
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

/** `127.0.0.1:8001` is `8001`: what tells one route from another across reloads, and names it where it has no name. */
export function routeName(route: { readonly name?: string | undefined; readonly listen: HostPort }): string {
  return route.name ?? formatHostPort(route.listen);
}

/**
 * Routes that cannot both be: the same address twice, or the same name.
 * @returns a sentence for each conflict
 */
export function findRouteConflicts(config: AmbassadorConfig): string[] {
  const found: string[] = [];
  const byName = new Map<string, number>();
  const byAddress = new Map<string, number>();
  for (const [index, route] of config.routes.entries()) {
    const name = routeName(route);
    const sameName = byName.get(name);
    const address = formatHostPort(route.listen);
    const sameAddress = route.listen.port === 0 ? undefined : byAddress.get(address);
    if (sameAddress !== undefined)
      found.push(
        `routes[${index}].listen: ${address} is taken by routes[${sameAddress}]: each route needs a port of its own`,
      );
    else if (sameName !== undefined)
      found.push(
        `routes[${index}].name: ${JSON.stringify(name)} is the name of routes[${sameName}], too: give one of them another name`,
      );
    byName.set(name, index);
    byAddress.set(address, index);
  }
  return found;
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
  const conflicts = findRouteConflicts(parsed.data);
  if (conflicts.length > 0) throw new OutriggerError("bad-config", conflicts.join("\n"));
  return parsed.data;
}
