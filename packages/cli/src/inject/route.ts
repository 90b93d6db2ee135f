/** A route as inject needs it: where it listens, which names it stands for, and whether it is a gate. */
import {
  formatHostPort,
  formatRouteLine,
  OutriggerError,
  parseHostPort,
  parseRouteLine,
  type HostPort,
  type RouteLine,
} from "@outrigger/core";

export interface Target {
  readonly host: string;
  /** null: the route names none. */
  readonly port: number | null;
}

export interface Route {
  /** As it is passed on. */
  readonly text: string;
  readonly listen: HostPort;
  readonly protocol: string;
  readonly role: string;
  readonly discovery: string;
  readonly targets: readonly Target[];
  readonly line: RouteLine;
}

const LOOPBACK = /^(localhost|127\.\d+\.\d+\.\d+|::1)$/;
export const isLoopback = (host: string): boolean => LOOPBACK.test(host);
export const isAddress = (host: string): boolean => /^[\d.]+$|:/.test(host);

/**
 * Reads a route; a gate gets what a gate needs and the line leaves out.
 * @throws OutriggerError `bad-route`, `route-secret` (core's route-line.ts), `usage` for a gate that is none
 */
export function readRoute(given: string, gate: boolean): Route {
  const parsed = parseRouteLine(given);
  const line = gate ? asGate(parsed) : parsed;
  const listen = parseHostPort(line.listen) as HostPort;
  const targets = line.endpoints.map(targetOf);
  const named = targets.some(({ host }) => host !== "localhost" && !isAddress(host));
  const route: Route = {
    text: line === parsed ? given : formatRouteLine(line),
    listen,
    protocol: line.protocol,
    role: typeof line["role"] === "string" ? line["role"] : "egress",
    discovery: typeof line["discovery"] === "string" ? line["discovery"] : named ? "dns" : "static",
    targets,
    line,
  };
  if (route.role === "ingress") refuseBadGate(route);
  if (targets.some((target) => meets(listen, target))) {
    throw new OutriggerError(
      "usage",
      `the route ${route.text} would call itself: it listens on the port that it aims at; let it listen on a free one`,
    );
  }
  return route;
}

/** Whether a call to the target comes to who listens there, in the same pod. */
export function meets(listen: HostPort, { host, port }: Target): boolean {
  if (!isLoopback(host) || port !== listen.port) return false;
  return (
    listen.host === undefined ||
    /^(0\.0\.0\.0|::)$/.test(listen.host) ||
    listen.host === host ||
    [listen.host, host].includes("localhost")
  );
}

function asGate(line: RouteLine): RouteLine {
  const role = line["role"] ?? "ingress";
  if (role !== "ingress") {
    throw new OutriggerError(
      "usage",
      `--gate ${formatRouteLine(line)}: its role is ${JSON.stringify(role)}; a gate's is ingress: leave role out, or give it with --ambassador`,
    );
  }
  const { listen, protocol, endpoints, ...options } = line;
  const { host } = parseHostPort(listen) as HostPort;
  // The platform dials the pod's address, which a listener without a host does not have.
  return {
    listen: host === undefined ? `0.0.0.0:${listen}` : listen,
    protocol,
    endpoints,
    ...options,
    role,
  };
}

function refuseBadGate({ text, listen, targets, line }: Route): void {
  const said = `the gate ${text}`;
  if (listen.host === undefined || isLoopback(listen.host)) {
    const open = formatRouteLine({ ...line, listen: formatHostPort({ host: "0.0.0.0", port: listen.port }) });
    throw new OutriggerError(
      "usage",
      `${said} listens on loopback, where nobody outside the pod reaches it: write ${open}`,
    );
  }
  const [target] = targets;
  if (targets.length !== 1 || target === undefined || !isLoopback(target.host) || target.port === null) {
    throw new OutriggerError(
      "usage",
      `${said} stands before one container of its own pod: its target is 127.0.0.1:PORT, the port on which that listens`,
    );
  }
}

function targetOf(endpoint: string): Target {
  const match = /^(?:\[([^\]]*)\]|([^:*]*))(?::([^*]*))?(?:\*\d+)?$/.exec(endpoint);
  const port = match?.[3];
  return {
    host: match?.[1] ?? match?.[2] ?? endpoint,
    port: port !== undefined && /^\d+$/.test(port) ? Number(port) : null,
  };
}
