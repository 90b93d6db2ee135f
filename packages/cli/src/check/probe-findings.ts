/** Probes that ask the wrong one: the kubelet restarts, or takes out of service, what is well. */
import type { Path } from "../manifest/document.ts";
import { fields, list, text, type Fields } from "../manifest/workload.ts";
import { at } from "./configuration-findings.ts";
import type { Finding } from "./finding.ts";
import {
  declaredPorts,
  gatesOf,
  isLoopback,
  portNumber,
  type CheckedPod,
  type Container,
  type PatternContainer,
} from "./pod.ts";

const KINDS = ["startupProbe", "readinessProbe", "livenessProbe"] as const;
type Kind = (typeof KINDS)[number];
const PATH_OF: Readonly<Record<Kind, string>> = {
  startupProbe: "/startupz",
  readinessProbe: "/readyz",
  livenessProbe: "/livez",
};

interface Probe {
  readonly kind: Kind;
  readonly by: "httpGet" | "tcpSocket" | "grpc";
  readonly handler: Fields;
  /** Of the handler. */
  readonly path: Path;
  /** null: a name that no port of the container has. */
  readonly port: number | null;
}

function* probesOf(container: Container): Iterable<Probe> {
  for (const kind of KINDS) {
    const probe = fields(container.value[kind]);
    for (const by of ["httpGet", "tcpSocket", "grpc"] as const) {
      if (probe[by] === undefined) continue;
      const handler = fields(probe[by]);
      const port = portNumber(handler["port"], declaredPorts(container));
      yield { kind, by, handler, path: [...container.path, kind, by], port };
    }
  }
}

/** Those that wait for their pods to be ready. */
const REPLICATED: ReadonlySet<string> = new Set(["Deployment", "StatefulSet", "DaemonSet", "ReplicaSet"]);

/** A page that says who leads, on a leader-elector's probe port: for a readinessProbe, where nobody waits for it. */
const asksForLeader = ({ pattern }: PatternContainer, kind: Kind, path: string): boolean =>
  pattern.name === "leader-elector" && kind === "readinessProbe" && path === "/isLeader";

export const probeFindings: readonly Finding[] = [
  {
    id: "pattern-probe-port",
    severity: "error",
    sentence: "A probe of a pattern's container is not on its probe port.",
    why: "The probe fails, or says how a data port is: the kubelet restarts a container that is well.",
    remedy: "Write the number of the probe port (ambassador 14010), or the name of a containerPort with it.",
    *find(pod) {
      for (const container of pod.patterns) {
        const { probe } = container.facts;
        for (const { handler, path, port } of probesOf(container)) {
          if (port === probe.port) continue;
          const found = JSON.stringify(handler["port"] ?? null);
          const why =
            port === null ? "which no containerPort of it is called" : `its probe port is ${probe.port}`;
          yield at(pod, [...path, "port"], `found ${found}, ${why}: write ${probe.port}`);
        }
      }
    },
  },
  {
    id: "pattern-probe-path",
    severity: "error",
    sentence: "A probe of a pattern's container asks for another path than its own.",
    why: "A path that is not served fails. A livenessProbe on /readyz restarts a container for not being ready.",
    remedy: "startupProbe: /startupz, readinessProbe: /readyz, livenessProbe: /livez.",
    *find(pod) {
      for (const container of pod.patterns) {
        for (const { kind, by, handler, path, port } of probesOf(container)) {
          if (by !== "httpGet" || port !== container.facts.probe.port) continue;
          const asked = (text(handler["path"]) ?? "/").replace(/\?.*/, "");
          // A finding of its own.
          if (asksForLeader(container, kind, asked)) continue;
          const served = Object.values(PATH_OF).includes(asked);
          if (served && (kind !== "livenessProbe" || asked === PATH_OF.livenessProbe)) continue;
          yield at(
            pod,
            [...path, "path"],
            `found ${JSON.stringify(asked)}, accepted for a ${kind}: ${PATH_OF[kind]}`,
          );
        }
      }
    },
  },
  {
    id: "readiness-is-leader",
    severity: "error",
    sentence: "A readinessProbe of a workload with replicas asks a leader-elector for /isLeader.",
    why: "Standbys are never ready: a rollout waits for them for ever, and a PodDisruptionBudget counts them as down.",
    remedy:
      "readinessProbe: /readyz. For traffic to the leader only there are the gate and forward ports, and the leader's EndpointSlice.",
    *find(pod) {
      if (!REPLICATED.has(pod.workload.kind)) return;
      for (const elector of pod.patterns) {
        for (const container of pod.containers) {
          for (const { kind, by, handler, path, port } of probesOf(container)) {
            const asked = (text(handler["path"]) ?? "/").replace(/\?.*/, "");
            if (by !== "httpGet" || port !== elector.facts.probe.port) continue;
            if (asksForLeader(elector, kind, asked))
              yield at(
                pod,
                [...path, "path"],
                `found "/isLeader": standbys are never ready, and the rollout of this ${pod.workload.kind} stalls: write /readyz`,
              );
          }
        }
      }
    },
  },
  {
    id: "pattern-probe-exec",
    severity: "error",
    sentence: "A probe of a pattern's container runs a program that its image does not have.",
    why: "The image has Node and nothing else, no shell and no curl: each such probe fails.",
    remedy: "Use httpGet on the probe port.",
    *find(pod) {
      for (const container of pod.patterns) {
        for (const kind of KINDS) {
          const command = list(fields(fields(container.value[kind])["exec"])["command"]).map(String);
          if (command.length === 0 || command[0] === "/nodejs/bin/node") continue;
          const use = `write httpGet: { path: ${PATH_OF[kind]}, port: ${container.facts.probe.port} }`;
          yield at(
            pod,
            [...container.path, kind, "exec"],
            `the image has no ${JSON.stringify(command[0])}, only Node: ${use}`,
          );
        }
      }
    },
  },
  {
    id: "probe-host",
    severity: "error",
    sentence: "A probe or hook has a loopback host.",
    why: "The kubelet makes the call: it would ask its own node, not the pod.",
    remedy: "Leave host out: the kubelet dials the pod.",
    *find(pod) {
      for (const container of pod.containers) {
        const handlers = [...probesOf(container)].map(({ handler, path }) => [handler, path] as const);
        const lifecycle = fields(container.value["lifecycle"]);
        for (const hook of ["postStart", "preStop"])
          handlers.push([
            fields(fields(lifecycle[hook])["httpGet"]),
            [...container.path, "lifecycle", hook, "httpGet"],
          ]);
        for (const [handler, path] of handlers) {
          const host = text(handler["host"]);
          if (isLoopback(host))
            yield at(
              pod,
              [...path, "host"],
              `${host} is the node's here, since the kubelet dials: take host out`,
            );
        }
      }
    },
  },
  {
    id: "probe-on-loopback",
    severity: "error",
    sentence: "A pattern's probe server listens on loopback only.",
    why: "The kubelet and Prometheus dial the pod's address: every probe fails.",
    remedy: "Give --probe a port without a host.",
    *find(pod) {
      for (const container of pod.patterns) {
        const { host, port } = container.facts.probe;
        const first = [...probesOf(container)].find((probe) => probe.port === port);
        if (first && isLoopback(host))
          yield at(
            pod,
            first.path,
            `the probe server is on ${host} (--probe), where the kubelet does not reach it: --probe=${port}`,
          );
      }
    },
  },
  {
    id: "gate-startup-deadlock",
    severity: "error",
    sentence: "A native sidecar with a gate has a startupProbe on /readyz.",
    why: "A gate is ready when its workload has accepted a connection; the workload starts when the startupProbe has succeeded.",
    remedy: "startupProbe: /startupz.",
    *find(pod) {
      const gated = new Set(gatesOf(pod).map(({ container }) => container));
      for (const container of pod.patterns.filter((each) => each.role === "sidecar" && gated.has(each))) {
        for (const { kind, handler, path } of probesOf(container)) {
          if (kind === "startupProbe" && /^\/readyz(\?|$)/.test(text(handler["path"]) ?? ""))
            yield at(
              pod,
              [...path, "path"],
              "the gate is ready only after its workload, which waits for this probe: write /startupz",
            );
        }
      }
    },
  },
  {
    id: "workload-probe-on-route",
    severity: "error",
    sentence: "A workload's probe is on a port where the ambassador listens for that workload's own calls.",
    why: "It says how another service is: one that is down there restarts, or takes out, the pods here. On loopback the kubelet does not even reach it.",
    remedy: "Probe the workload's own port.",
    *find(pod) {
      for (const [container, probe, owner] of foreignProbes(pod)) {
        const route = owner.facts.routes.find(
          ({ listen, role }) => listen.port === probe.port && role !== "ingress",
        );
        if (route)
          yield at(
            pod,
            [...probe.path, "port"],
            `${probe.port} is the route ${route.label} of ${owner.name}, not ${container.name}: probe a port of ${container.name} itself`,
          );
      }
    },
  },
  {
    id: "workload-probe-on-pattern",
    severity: "error",
    sentence: "A workload's probe asks a pattern's probe or control port.",
    why: "It says how the pattern is: the workload is restarted for it, and never for itself.",
    remedy: "Probe the workload's own port; the pattern's container has probes of its own.",
    *find(pod) {
      for (const [container, probe, owner] of foreignProbes(pod)) {
        const { facts } = owner;
        const asked = (text(probe.handler["path"]) ?? "/").replace(/\?.*/, "");
        if (probe.port === facts.probe.port && asksForLeader(owner, probe.kind, asked)) continue;
        const what =
          probe.port === facts.probe.port ? "probe" : probe.port === facts.control?.port ? "control" : null;
        if (what !== null)
          yield at(
            pod,
            [...probe.path, "port"],
            `${probe.port} is the ${what} port of ${owner.name}: probe a port of ${container.name} itself`,
          );
      }
    },
  },
  {
    id: "liveness-through-gate",
    severity: "error",
    sentence: "A workload's livenessProbe goes through its gate.",
    why: "The gate holds it while the workload restarts, and queues it behind other requests: the kubelet kills a workload that is only busy or starting.",
    remedy: "Let the livenessProbe dial the workload's own port.",
    *find(pod) {
      const gates = gatesOf(pod);
      for (const [, probe, owner] of foreignProbes(pod)) {
        const gate = gates.find((each) => each.container === owner && each.route.listen.port === probe.port);
        if (gate && probe.kind === "livenessProbe")
          yield at(
            pod,
            [...probe.path, "port"],
            `${probe.port} is the gate, which holds requests while the workload is away: write ${gate.target}`,
          );
      }
    },
  },
];

/** The probes of workloads, beside each pattern whose port they may be on. */
function* foreignProbes(pod: CheckedPod): Iterable<[Container, Probe, PatternContainer]> {
  for (const container of pod.containers.filter(({ pattern }) => pattern === null)) {
    for (const probe of probesOf(container)) {
      for (const owner of probe.port === null ? [] : pod.patterns) yield [container, probe, owner];
    }
  }
}
