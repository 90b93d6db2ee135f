/** One active check of one endpoint: a TCP connect, or an HTTP GET whose status lies in the expected ranges. */
import { get } from "node:http";
import { connect } from "node:net";
import type { Endpoint } from "../endpoint/endpoint.ts";
import { isNoSocket } from "../endpoint/no-socket.ts";

/** The check could not be made: nothing is known of the endpoint, for it or against it. */
export const INCONCLUSIVE: unique symbol = Symbol("inconclusive");
export type ProbeResult = string | null | typeof INCONCLUSIVE;

export type ProbeSpec =
  | { readonly kind: "tcp"; readonly port: number | null }
  | {
      readonly kind: "http";
      readonly port: number | null;
      readonly path: string;
      /** Inclusive ranges of statuses that pass. */
      readonly statuses: readonly (readonly [number, number])[];
    };

/**
 * Checks once: resolves with null if the endpoint passed, else with the reason in words. It ends, with any result,
 * when the signal aborts. A pattern brings its own to check through TLS, gRPC or a database's protocol.
 */
export type Probe = (endpoint: Endpoint, spec: ProbeSpec, signal: AbortSignal) => Promise<ProbeResult>;

/** @throws never: the configuration's schema has checked both texts */
export function probeSpec(
  health: string,
  statuses: readonly string[],
  port: number | null,
): ProbeSpec | null {
  if (health === "off") return null;
  if (health === "tcp") return { kind: "tcp", port };
  const ranges = statuses.map((text) => {
    const [low, high] = text.split("-").map(Number);
    return [low as number, high ?? (low as number)] as const;
  });
  return { kind: "http", port, path: health.slice("http:".length), statuses: ranges };
}

/** The checks that this package brings: plain TCP and plain HTTP/1.1. */
export const probeEndpoint: Probe = (endpoint, spec, signal) =>
  spec.kind === "tcp" ? probeTcp(endpoint, spec, signal) : probeHttp(endpoint, spec, signal);

function probeTcp(endpoint: Endpoint, spec: ProbeSpec, signal: AbortSignal): Promise<ProbeResult> {
  return new Promise((resolve) => {
    const socket = connect({ host: endpoint.host, port: spec.port ?? endpoint.port, signal });
    socket.once("connect", () => {
      socket.destroy();
      resolve(null);
    });
    socket.on("error", (error) =>
      resolve(isNoSocket(error) ? INCONCLUSIVE : `connect failed: ${error.message}`),
    );
    socket.once("close", () => resolve("connect failed: closed"));
  });
}

function probeHttp(
  endpoint: Endpoint,
  spec: Extract<ProbeSpec, { kind: "http" }>,
  signal: AbortSignal,
): Promise<ProbeResult> {
  return new Promise((resolve) => {
    const port = spec.port ?? endpoint.port;
    const headers = { host: `${bracketed(endpoint.name)}:${port}`, "user-agent": "outrigger-health" };
    // No agent: a check that reuses a connection does not see that new ones fail.
    const request = get(
      { host: endpoint.host, port, path: spec.path, agent: false, headers, signal },
      (response) => {
        const status = response.statusCode ?? 0;
        // The head is the answer; its body may be endless.
        response.on("error", () => {});
        request.destroy();
        resolve(
          spec.statuses.some(([low, high]) => status >= low && status <= high) ? null : `status ${status}`,
        );
      },
    );
    request.on("error", (error) =>
      resolve(isNoSocket(error) ? INCONCLUSIVE : `GET ${spec.path} failed: ${error.message}`),
    );
    request.once("close", () => resolve(`GET ${spec.path} failed: closed without an answer`));
  });
}

function bracketed(name: string): string {
  return name.includes(":") ? `[${name}]` : name;
}
