/** What no key can see by itself: spans that leave no time, and two servers on one port. */
import { isIPv6 } from "node:net";
import type * as z from "zod";
import { formatPath } from "../config/problem.ts";
import { formatHostPort, parseHostPort, type HostPort } from "../config/schema-blocks.ts";
import { formatDuration } from "../units.ts";
import type { ContainerConfig } from "./container-config.ts";

export function checkContradictions(config: unknown, context: z.RefinementCtx): void {
  const { grace, settle } = config as ContainerConfig;
  if (settle !== undefined && settle > 0 && settle >= grace) {
    const message = `${formatDuration(settle)} is not shorter than grace (${formatDuration(grace)}): what is in flight when settle ends would have no time left`;
    context.addIssue({ code: "custom", path: ["settle"], message });
  }
  const before: Bind[] = [];
  for (const bind of binds(config as ContainerConfig)) {
    const other = before.find((each) => overlap(each, bind));
    // Two routes on one port are the pattern's to refuse: it knows what else they may not share.
    if (other && !(bind.isRoute && other.isRoute)) {
      const message = `port ${bind.port} is taken by ${formatPath(other.path)} (${other.text}): choose another port for one of them`;
      context.addIssue({ code: "custom", path: [...bind.path], message });
    }
    before.push(bind);
  }
}

interface Bind {
  readonly path: readonly PropertyKey[];
  readonly port: number;
  readonly hosts: readonly string[];
  readonly text: string;
  readonly isRoute: boolean;
}

const LOOPBACKS = ["127.0.0.1", "::1"];

/** Everything that the container and its routes listen on; port 0 is another port each time. */
function* binds(config: ContainerConfig): Iterable<Bind> {
  const { probe, control } = config;
  const bind = (
    path: readonly PropertyKey[],
    { host, port }: HostPort,
    fallback: readonly string[],
  ): Bind => ({
    path,
    port,
    hosts: host === undefined ? fallback : host === "localhost" ? LOOPBACKS : [host],
    text: formatHostPort(host === undefined ? { port } : { host, port }),
    isRoute: path[0] === "routes",
  });
  const all = [bind(["probe"], probe, ["::"])];
  if (control.kind === "host" || control.kind === "loopback") all.push(bind(["control"], control, LOOPBACKS));
  const routes: unknown = Reflect.get(config, "routes");
  for (const [index, route] of (Array.isArray(routes) ? routes : []).entries()) {
    const listen: unknown = Reflect.get(Object(route), "listen");
    const address = isHostPort(listen) ? listen : parseHostPort(String(listen));
    if (address) all.push(bind(["routes", index, "listen"], address, LOOPBACKS));
  }
  yield* all.filter(({ port }) => port !== 0);
}

function isHostPort(value: unknown): value is HostPort {
  return typeof value === "object" && value !== null && "port" in value && typeof value.port === "number";
}

function overlap(left: Bind, right: Bind): boolean {
  return (
    left.port === right.port &&
    left.hosts.some((one) => right.hosts.some((two) => one === two || covers(one, two) || covers(two, one)))
  );
}

/** `::` takes IPv4 along, as Node binds it. */
function covers(wide: string, host: string): boolean {
  return wide === "::" || (wide === "0.0.0.0" && !isIPv6(host));
}
