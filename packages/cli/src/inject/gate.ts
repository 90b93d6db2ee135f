/** What a gate asks of the pod around it: a preStop on the workload's container, time enough, a Service that points to it. */
import type { Path } from "../manifest/document.ts";
import type { Value } from "./emit.ts";
import type { Route } from "./route.ts";
import { fields, list, type Fields, type ManifestObject, type Workload } from "../manifest/workload.ts";

export const DRAIN_TOKEN = "preStop";
const DRAIN_PATH = "/drain";

export interface PreStopPlan {
  readonly additions: readonly { readonly path: Path; readonly value: Value }[];
  readonly problems: readonly { readonly path: Path; readonly message: string }[];
}

/**
 * A preStop that calls the gate's /drain, on the container behind each gate. The kubelet runs every container's preStop
 * at once at deletion: while this one waits, its container gets no SIGTERM.
 * @param asked the container that --container names, where the ports do not tell
 */
export function planPreStop(
  spec: Fields,
  gates: readonly Route[],
  probePort: number,
  token: string,
  asked: string | null,
): PreStopPlan {
  const additions: { path: Path; value: Value }[] = [];
  const problems: { path: Path; message: string }[] = [];
  const containers = list(spec["containers"]).map(fields);
  const done = new Set<number>();
  for (const gate of gates) {
    const port = gate.targets[0]?.port ?? 0;
    const index = workloadOf(containers, port, asked);
    if (index === undefined) {
      const names = containers.map(({ name }) => String(name)).join(", ");
      problems.push({
        path: ["spec", "containers"],
        message:
          asked === null
            ? `none has the containerPort ${port}, at which the gate ${gate.text} aims: say with --container which of them it is: ${names}`
            : `there is no container ${asked}; there are: ${names}`,
      });
      continue;
    }
    if (done.has(index)) continue;
    done.add(index);
    const path = ["spec", "containers", index, "lifecycle", "preStop"];
    const call = `http://127.0.0.1:${probePort}${DRAIN_PATH} with the header x-outrigger-drain: ${token}`;
    if (fields(containers[index]?.["lifecycle"])["preStop"] !== undefined) {
      problems.push({
        path,
        message: `is there already, and a container has one: a gate needs it to GET ${call} and wait for the answer; let the one that is there do so, and add the route with --ambassador ...?role=ingress --no-pre-stop`,
      });
      continue;
    }
    additions.push({
      path,
      value: {
        httpGet: {
          path: DRAIN_PATH,
          port: probePort,
          httpHeaders: [{ name: "x-outrigger-drain", value: token }],
        },
      },
    });
  }
  return { additions, problems };
}

function workloadOf(containers: readonly Fields[], port: number, asked: string | null): number | undefined {
  const index =
    asked !== null
      ? containers.findIndex(({ name }) => name === asked)
      : containers.length === 1
        ? 0
        : containers.findIndex((container) =>
            list(container["ports"]).some((each) => fields(each)["containerPort"] === port),
          );
  return index < 0 ? undefined : index;
}

/** What is to be changed by hand so that a Service's traffic comes through the gates; inject changes no Service. */
export function serviceNotes(
  workload: Workload,
  gates: readonly Route[],
  objects: readonly ManifestObject[],
  called: "gate" | "queue" = "gate",
): string[] {
  const labels = fields(fields(workload.template["metadata"])["labels"]);
  const selecting = objects.filter((object) => {
    const selector = Object.entries(fields(fields(object.value["spec"])["selector"]));
    return (
      object.kind === "Service" &&
      (object.namespace ?? "default") === (workload.namespace ?? "default") &&
      selector.length > 0 &&
      selector.every(([key, value]) => labels[key] === value)
    );
  });
  return gates.flatMap((gate) => {
    const from = gate.targets[0]?.port ?? 0;
    const to = gate.listen.port;
    const notes = selecting.flatMap((service) => portNotes(service, workload, from, to, called));
    if (selecting.length > 0) return notes;
    return [
      `the Service before this pod is not in this input: where its targetPort means ${from}, make it ${to}, the ${called}'s; until then nothing comes through the ${called}`,
    ];
  });
}

function portNotes(
  service: ManifestObject,
  workload: Workload,
  from: number,
  to: number,
  called: string,
): string[] {
  const { document, path, name } = service;
  return list(fields(service.value["spec"])["ports"]).flatMap((entry, index) => {
    const { port, targetPort } = fields(entry);
    const target = targetPort ?? port;
    if (typeof target !== "number" && typeof target !== "string") return [];
    const meant = typeof target === "number" ? target : namedPort(workload, target);
    if (meant !== from) return [];
    const at = [...path, "spec", "ports", index, ...(targetPort === undefined ? [] : ["targetPort"])];
    const { line, column } = document.locate(at);
    const change =
      targetPort === undefined
        ? `add targetPort: ${to}`
        : `targetPort: ${target} must become targetPort: ${to}`;
    return [
      `${document.file}:${line}:${column}: service/${name}: ${change}, or nothing comes through the ${called}`,
    ];
  });
}

/** A Service may name a containerPort by its name. */
function namedPort(workload: Workload, name: string): number | undefined {
  const spec = fields(workload.template["spec"]);
  const ports = list(spec["containers"]).flatMap((container) => list(fields(container)["ports"]).map(fields));
  const found = ports.find((port) => port["name"] === name)?.["containerPort"];
  return typeof found === "number" ? found : undefined;
}
