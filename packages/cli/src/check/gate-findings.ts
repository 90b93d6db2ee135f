/** What a gate needs of the pod and the Service around it, so that a rolling update loses nothing. */
import type { Path } from "../manifest/document.ts";
import { fields, list, text, type Fields, type ManifestObject } from "../manifest/workload.ts";
import { at } from "./configuration-findings.ts";
import type { Finding, Spot } from "./finding.ts";
import {
  declaredPorts,
  gatesOf,
  isLoopback,
  portNumber,
  workloadBehind,
  type CheckedPod,
  type Container,
  type Gate,
} from "./pod.ts";
import { namespaceOf, type Stream } from "./stream.ts";

const DRAIN = "/drain";
const HEADER = "x-outrigger-drain";

interface PreStop {
  readonly value: Fields;
  readonly path: Path;
  /** Its httpGet; null where it is another kind of hook. */
  readonly httpGet: Fields | null;
}

function preStopOf({ value, path }: Container): PreStop | null {
  const hook = fields(value["lifecycle"])["preStop"];
  if (hook === undefined) return null;
  const of = fields(hook);
  return {
    value: of,
    path: [...path, "lifecycle", "preStop"],
    httpGet: of["httpGet"] === undefined ? null : fields(of["httpGet"]),
  };
}

const pathOf = (httpGet: Fields): string => (text(httpGet["path"]) ?? "/").replace(/\?.*/, "");
const callsDrain = ({ httpGet, value }: PreStop): boolean =>
  httpGet ? pathOf(httpGet) === DRAIN : JSON.stringify(value).includes(DRAIN);

/** The workload behind each gate, with the hook that is to hold it. */
function* shielded(pod: CheckedPod): Iterable<{ gate: Gate; container: Container; preStop: PreStop | null }> {
  for (const gate of gatesOf(pod)) {
    const container = workloadBehind(pod, gate.target);
    if (container !== null) yield { gate, container, preStop: preStopOf(container) };
  }
}

/** The gates of which nothing says which container they stand before, and none calls them. */
function* unshielded(pod: CheckedPod): Iterable<Gate> {
  const ordinary = pod.containers.filter(({ pattern, role }) => pattern === null && role !== "init");
  const called = ordinary.map(preStopOf).some((preStop) => preStop !== null && callsDrain(preStop));
  for (const gate of called ? [] : gatesOf(pod)) {
    if (workloadBehind(pod, gate.target) === null) yield gate;
  }
}

/** The hooks that call a gate by httpGet. */
function* drainCalls(
  pod: CheckedPod,
): Iterable<{ gate: Gate; preStop: PreStop; httpGet: Fields; port: number | null }> {
  for (const { gate, container, preStop } of shielded(pod)) {
    if (preStop?.httpGet)
      yield {
        gate,
        preStop,
        httpGet: preStop.httpGet,
        port: portNumber(preStop.httpGet["port"], declaredPorts(container)),
      };
  }
}

export const gateFindings: readonly Finding[] = [
  {
    id: "gate-pre-stop-missing",
    severity: "error",
    sentence: "The workload behind a gate has no preStop that calls the gate's /drain.",
    why: "At deletion it gets SIGTERM while the platform still sends requests: those are refused.",
    remedy: `lifecycle.preStop.httpGet on the workload's container: path ${DRAIN}, the gate's probe port as a number, header ${HEADER}.`,
    *find(pod) {
      for (const { container, target } of unshielded(pod)) {
        yield at(
          pod,
          [...pod.specPath, "containers"],
          `none calls ${DRAIN} of ${container.name} in its preStop, and none has the containerPort ${target}, which the gate stands before: write both on the one that listens there`,
        );
      }
      for (const { gate, container, preStop } of shielded(pod)) {
        const { probe, drainToken } = gate.container.facts;
        const write = `httpGet: { path: ${DRAIN}, port: ${probe.port}, httpHeaders: [{ name: ${HEADER}, value: ${drainToken ?? "TOKEN"} }] }`;
        if (preStop === null)
          yield at(
            pod,
            container.path,
            `no lifecycle.preStop holds its SIGTERM back until ${gate.container.name} has drained: add ${write}`,
          );
        else if (!callsDrain(preStop) && !(preStop.httpGet && mayMean(preStop.httpGet, gate)))
          yield at(
            pod,
            preStop.path,
            `does not call ${DRAIN} of ${gate.container.name}: write ${write}, or have it do that, too`,
          );
      }
    },
  },
  {
    id: "gate-pre-stop-path",
    severity: "error",
    sentence: "A preStop asks a gate's probe port for another path than /drain.",
    why: "Nothing drains: the hook returns at once, or fails, and the workload gets SIGTERM under load.",
    remedy: `path: ${DRAIN}`,
    *find(pod) {
      for (const { gate, preStop, httpGet } of drainCalls(pod)) {
        if (pathOf(httpGet) !== DRAIN && mayMean(httpGet, gate))
          yield at(
            pod,
            [...preStop.path, "httpGet", "path"],
            `found ${JSON.stringify(pathOf(httpGet))}: write ${DRAIN}`,
          );
      }
    },
  },
  {
    id: "gate-pre-stop-port",
    severity: "error",
    sentence: "A preStop that calls /drain is not on the gate's probe port, as a number.",
    why: "A hook's named port is looked up in the workload's own container, which does not have the gate's: the hook fails, and the workload gets SIGTERM at once.",
    remedy: "The number of the gate's probe port: 14010, unless --probe says otherwise.",
    *find(pod) {
      for (const { gate, preStop, httpGet, port } of drainCalls(pod)) {
        const { probe } = gate.container.facts;
        if (pathOf(httpGet) !== DRAIN || port === probe.port) continue;
        const name = typeof httpGet["port"] === "string" && port === null;
        yield at(
          pod,
          [...preStop.path, "httpGet", "port"],
          `found ${JSON.stringify(httpGet["port"] ?? null)}${name ? ", a name that is looked up in this container" : ""}: write ${probe.port}, the probe port of ${gate.container.name}`,
        );
      }
    },
  },
  {
    id: "gate-pre-stop-token",
    severity: "error",
    sentence: "A preStop that calls /drain lacks the gate's token header, or has another token.",
    why: "The gate refuses the call, so that nobody else's request can drain it: the workload gets SIGTERM at once.",
    remedy: `httpHeaders: [{ name: ${HEADER}, value: the value of --drain-token, preStop unless it is given }]`,
    *find(pod) {
      for (const { gate, preStop, httpGet } of drainCalls(pod)) {
        if (pathOf(httpGet) !== DRAIN) continue;
        const { drainToken } = gate.container.facts;
        const headers = list(httpGet["httpHeaders"]).map(fields);
        const index = headers.findIndex(({ name }) => text(name)?.toLowerCase() === HEADER);
        if (index < 0)
          yield at(
            pod,
            [...preStop.path, "httpGet"],
            `has no header ${HEADER}: add httpHeaders: [{ name: ${HEADER}, value: ${drainToken ?? "TOKEN"} }]`,
          );
        else if (drainToken !== null && headers[index]?.["value"] !== drainToken)
          // Not its value: it may be a secret.
          yield at(
            pod,
            [...preStop.path, "httpGet", "httpHeaders", index, "value"],
            `is not the --drain-token of ${gate.container.name}: write the same in both`,
          );
      }
    },
  },
  {
    id: "gate-pre-stop-place",
    severity: "error",
    sentence: "The preStop that calls /drain is on the gate's own container.",
    why: "It holds back the gate's SIGTERM, not the workload's, which stops under load; as a native sidecar's it comes only after that.",
    remedy: "Move it to the workload's container.",
    *find(pod) {
      for (const container of new Set(gatesOf(pod).map((gate) => gate.container))) {
        const preStop = preStopOf(container);
        if (preStop && callsDrain(preStop))
          yield at(
            pod,
            preStop.path,
            `holds back the SIGTERM of ${container.name} itself: move it to the workload's container`,
          );
      }
    },
  },
  {
    id: "gate-on-loopback",
    severity: "error",
    sentence: "A gate listens on loopback.",
    why: "A Service dials the pod's address: nobody gets through.",
    remedy: "Write 0.0.0.0:PORT as what it listens on.",
    *find(pod) {
      for (const { container, route } of gatesOf(pod)) {
        const { host, port } = route.listen;
        if (host === undefined || isLoopback(host))
          yield at(
            pod,
            container.path,
            `the gate ${route.label} listens on ${host ?? "127.0.0.1 and ::1"}, where no Service reaches it: write 0.0.0.0:${port}`,
          );
      }
    },
  },
  {
    id: "service-bypasses-gate",
    severity: "error",
    sentence: "A Service points to the workload's port, past its gate.",
    why: "These requests are neither held nor drained: a rolling update loses them.",
    remedy: "targetPort: the port on which the gate listens.",
    *find(pod, stream) {
      yield* bypasses(pod, stream, gatesOf(pod), "gate");
    },
  },
];

/** A call with another path, that can only be meant for the gate. */
function mayMean(httpGet: Fields, { container }: Gate): boolean {
  return httpGet["port"] === container.facts.probe.port;
}

function selects(service: ManifestObject, pod: CheckedPod): boolean {
  const selector = Object.entries(fields(fields(service.value["spec"])["selector"]));
  return (
    namespaceOf(service) === pod.namespace &&
    selector.length > 0 &&
    selector.every(([key, value]) => pod.labels[key] === value)
  );
}

/** What comes to the workload's own port by a Service, past what stands before it. */
export function* bypasses(
  pod: CheckedPod,
  stream: Stream,
  gates: readonly Gate[],
  called: string,
): Iterable<Spot> {
  const ports = pod.containers.flatMap((each) => (each.role === "init" ? [] : declaredPorts(each)));
  for (const service of gates.length === 0 ? [] : stream.ofKind("Service")) {
    if (!selects(service, pod)) continue;
    for (const [index, entry] of list(fields(service.value["spec"])["ports"]).map(fields).entries()) {
      const target = portNumber(entry["targetPort"] ?? entry["port"], ports);
      const gate = gates.find((each) => each.target === target);
      if (gate) yield bypass(service, index, entry, gate, called);
    }
  }
}

function bypass(service: ManifestObject, index: number, entry: Fields, gate: Gate, called: string): Spot {
  const path = [...service.path, "spec", "ports", index];
  const written = entry["targetPort"];
  const { port } = gate.route.listen;
  const name = JSON.stringify(written ?? entry["port"]);
  const meant = name === String(gate.target) ? `${name} is` : `${name} means ${gate.target},`;
  return {
    document: service.document,
    path: written === undefined ? path : [...path, "targetPort"],
    message: `${meant} the workload's own port, past the ${called}: ${written === undefined ? "add" : "write"} targetPort: ${port}`,
  };
}
