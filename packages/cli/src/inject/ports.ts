/** The ports of a pod, whose containers share one network: which of ours are taken. */
import { formatHostPort } from "@outrigger/core";
import type { Path } from "../manifest/document.ts";
import { patternOf } from "../pod/image.ts";
import type { Injectable } from "./pattern-table.ts";
import { meets, type Route } from "./route.ts";
import { fields, list, text, type Fields } from "../manifest/workload.ts";

interface Taken {
  readonly port: number;
  readonly by: string;
  readonly path: Path;
}

export interface PortProblem {
  readonly path: Path;
  readonly message: string;
}

/** @param spec the PodSpec, without what inject adds */
export function portProblems(
  spec: Fields,
  injectable: Injectable,
  routes: readonly Route[],
  args: readonly string[],
): PortProblem[] {
  const { probePort, controlPort, name } = injectable.pattern;
  const more = injectable.ports.filter(({ flag }) => !args.some((word) => word.startsWith(`--${flag}=`)));
  const taken = [...takenPorts(spec)];
  const problems: PortProblem[] = [];
  for (const [port, what] of [
    [probePort, "probe"],
    [controlPort, "control"],
    ...more.map(({ port, what }) => [port, what] as const),
  ] as const) {
    for (const { path, by } of taken.filter((each) => each.port === port)) {
      problems.push({
        path,
        message: `${by} has port ${port}, which is the ${what} port of outrigger-${name}: take that container or its port out of the pod`,
      });
    }
  }
  for (const route of routes) {
    for (const { path, by } of taken.filter(({ port }) => port === route.listen.port)) {
      const remedy =
        route.role === "ingress"
          ? "let the gate listen on a free port, and the Service point there"
          : "let the route listen on a free port (the workload then calls localhost and that port), or move the container's";
      problems.push({
        path,
        message: `${by} has port ${route.listen.port}, on which ${formatHostPort(route.listen)} of the route ${route.text} is to listen; containers of a pod share their ports: ${remedy}`,
      });
    }
  }
  for (const gate of routes.filter(({ role }) => role === "ingress")) {
    const other = routes.find(({ listen }) => gate.targets.some((target) => meets(listen, target)));
    // What is declared has been said above.
    if (other && !taken.some(({ port }) => port === other.listen.port)) {
      problems.push({
        path: ["spec", "containers"],
        message: `the gate ${gate.text} aims at the port on which the route ${other.text} is to listen, and containers of a pod share their ports: let that route listen on a free one (the workload then calls localhost and that port)`,
      });
    }
  }
  return problems;
}

/** What containers say of their ports; of our own patterns what they listen on unless told otherwise, too. */
function* takenPorts(spec: Fields): Iterable<Taken> {
  for (const key of ["initContainers", "containers"]) {
    for (const [index, each] of list(spec[key]).entries()) {
      const container = fields(each);
      // An init container that ends has left its ports when ours begin to matter.
      if (key === "initContainers" && container["restartPolicy"] !== "Always") continue;
      const by = `container ${String(container["name"])}`;
      const path = ["spec", key, index];
      const declared = new Set<number>();
      for (const [at, entry] of list(container["ports"]).entries()) {
        const { containerPort, protocol } = fields(entry);
        if (typeof containerPort !== "number" || (protocol ?? "TCP") !== "TCP") continue;
        declared.add(containerPort);
        yield { port: containerPort, by, path: [...path, "ports", at, "containerPort"] };
      }
      const own = patternOf(text(container["image"]) ?? "");
      for (const port of own ? [own.probePort, own.controlPort] : []) {
        if (!declared.has(port)) yield { port, by, path };
      }
    }
  }
}
