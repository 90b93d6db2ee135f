/** Containers of a pod share one network: who else wants a port of ours, and whether the pod has a network at all. */
import { formatHostPort, type HostPort } from "@outrigger/core";
import type { Path } from "../manifest/document.ts";
import { meets } from "../inject/route.ts";
import { at } from "./configuration-findings.ts";
import type { Finding } from "./finding.ts";
import type { Route } from "./pattern-facts.ts";
import { declaredPorts, type CheckedPod, type Container, type PatternContainer } from "./pod.ts";

interface Claim {
  readonly container: Container;
  readonly listen: HostPort;
  readonly what: string;
  readonly path: Path;
}

export const portFindings: readonly Finding[] = [
  {
    id: "port-collision",
    severity: "error",
    sentence: "Two listeners of a pod want the same port, or a route listens on the one that it aims at.",
    why: "The second one to start fails: address already in use. Or the pattern calls itself.",
    remedy:
      "Give one of them another port: a route its listen port, a pattern --probe and --control, a workload its containerPort.",
    *find(pod) {
      const claims = claimsOf(pod);
      for (const [index, second] of claims.entries()) {
        const first = claims.slice(0, index).find((claim) => collide(claim, second));
        if (first)
          yield at(
            pod,
            second.path,
            `${second.what} of ${second.container.name} is ${formatHostPort(second.listen)}, and so is ${first.what} of ${first.container.name}: give one of them another port`,
          );
      }
      for (const [owner, route] of routesOf(pod)) {
        // What declares its port has been found above.
        if (workloads(pod).some((each) => declaredPorts(each).some(({ port }) => port === route.listen.port)))
          continue;
        const aiming = routesOf(pod).find(
          ([, each]) =>
            (each === route || each.role === "ingress") &&
            each.targets.some((target) => meets(route.listen, target)),
        )?.[1];
        if (aiming)
          yield at(
            pod,
            argsOf(owner),
            aiming === route
              ? `the route ${route.label} listens on the port that it aims at, and would call itself: let it listen on another`
              : `the route ${route.label} listens on the port of the workload behind the gate ${aiming.label}: give one of them another port`,
          );
      }
    },
  },
  {
    id: "host-network",
    severity: "error",
    sentence: "A pattern is in a pod with hostNetwork, and is not allowed to be.",
    why: "It refuses to start: its ports, the control port among them, would be the node's.",
    remedy: "Take hostNetwork out, or give --allow-host-network.",
    *find(pod) {
      if (pod.spec["hostNetwork"] !== true) return;
      for (const { name, facts } of pod.patterns) {
        if (!facts.allowsHostNetwork)
          yield at(
            pod,
            [...pod.specPath, "hostNetwork"],
            `${name} refuses to start in the node's network: take it out, or give ${name} --allow-host-network`,
          );
      }
    },
  },
];

/** Patterns' first: who wrote the workload was there before, but its place in the file says more. */
function claimsOf(pod: CheckedPod): Claim[] {
  return [
    ...pod.patterns.flatMap(claimsOfPattern),
    ...workloads(pod).flatMap((container) =>
      declaredPorts(container).map(({ port, path }) => ({
        container,
        listen: { port },
        what: "the containerPort",
        path,
      })),
    ),
  ];
}

const workloads = (pod: CheckedPod): Container[] =>
  pod.containers.filter(({ pattern, role }) => pattern === null && role !== "init");

const routesOf = (pod: CheckedPod): (readonly [PatternContainer, Route])[] =>
  pod.patterns.flatMap((container) => container.facts.routes.map((route) => [container, route] as const));

const argsOf = ({ path, value }: PatternContainer): Path =>
  value["args"] === undefined ? path : [...path, "args"];

function claimsOfPattern(container: PatternContainer): Claim[] {
  const { facts } = container;
  const path = argsOf(container);
  const claim = (listen: HostPort, what: string): Claim => ({ container, listen, what, path });
  return [
    claim(facts.probe, "the probe port"),
    ...(facts.control ? [claim({ host: "localhost", ...facts.control }, "the control port")] : []),
    ...facts.routes.map(({ listen, label }) => claim({ host: "localhost", ...listen }, `the route ${label}`)),
  ].filter(({ listen }) => listen.port !== 0);
}

function collide(one: Claim, other: Claim): boolean {
  // A workload may say one port twice, by two names; of its own ports a pattern speaks itself.
  if (one.container === other.container) return false;
  return one.listen.port === other.listen.port && overlap(one.listen.host, other.listen.host);
}

const ANY = new Set([undefined, "0.0.0.0", "::", "*"]);
const overlap = (one: string | undefined, other: string | undefined): boolean => {
  if (ANY.has(one) || ANY.has(other) || one === other) return true;
  return (
    [one, other].includes("localhost") && [one, other].some((host) => host === "127.0.0.1" || host === "::1")
  );
};
