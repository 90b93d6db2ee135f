/** What comes to one pod template: its container, aliases, preStop and volume; or every reason why it cannot. */
import type { Path, Problem } from "../manifest/document.ts";
import type { Added } from "./addition.ts";
import { askedRoutes, readPorts, readRoutes } from "./asked.ts";
import { DRAIN_TOKEN, planPreStop } from "./gate.ts";
import { planAliases } from "./host-aliases.ts";
import type { InjectOptions } from "./options.ts";
import { containerName, type Injectable } from "./pattern-table.ts";
import { portProblems } from "./ports.ts";
import { planQueue, QUEUE } from "./queue.ts";
import { grantsFor, type Grant } from "./rbac.ts";
import { isLoopback, type Route } from "./route.ts";
import { CONFIG_FOLDER, type SidecarPlan } from "./sidecar.ts";
import { fields, list, text, type Fields, type Workload } from "../manifest/workload.ts";

export interface PlannedAddition {
  /** From the pod template. */
  readonly path: Path;
  readonly added: Added;
  /** Without room for it the rest still comes. */
  readonly optional?: boolean;
  /** What it is for, and how to do without: said where there is no room for it. */
  readonly purpose?: string;
}

export interface Injection {
  readonly workload: Workload;
  readonly sidecar: SidecarPlan;
  /** All but the container, which has the record of the others. */
  readonly additions: readonly PlannedAddition[];
  /** The list that the container goes into. */
  readonly containerPath: Path;
  /** What stands before the workload, so that a Service must lead there: gates, or a queue's front. */
  readonly gates: readonly Route[];
  /** The annotations that its routes come from, in the document; empty: flags. */
  readonly routesAt: readonly Path[];
  readonly notes: readonly string[];
  readonly problems: readonly Problem[];
  readonly grants: readonly Grant[];
}

const SYSCTL = "net.ipv4.ip_unprivileged_port_start";
/** core's default: from SIGTERM, or from a gate's /drain, to the end of draining. */
const GRACE_SECONDS = 25;
/** What a workload behind a gate has at least, after the gate is drained, to end in. */
const WORKLOAD_SECONDS = 5;
const DEFAULT_CONTAINER = "kubectl.kubernetes.io/default-container";

/** @returns undefined where nothing asks for the pattern */
export function planInjection(
  workload: Workload,
  injectable: Injectable,
  options: InjectOptions,
): Injection | undefined {
  const problems: Problem[] = [];
  const report = (path: Path, message: string): void =>
    void problems.push(workload.document.problem([...workload.templatePath, ...path], message));
  const configMap = options.configMaps.get(injectable.pattern.name);
  const asked = askedRoutes(workload, injectable, options);
  if (asked.length === 0 && configMap === undefined) return undefined;
  const takesRoutes = injectable.takes === "routes";
  const routes = takesRoutes ? readRoutes(asked, workload, problems) : [];
  const ofElector = takesRoutes ? [] : readPorts(asked, injectable, workload, problems);
  const queue =
    injectable.pattern.name === QUEUE ? planQueue(asked, configMap !== undefined, workload, problems) : null;
  const ports = takesRoutes ? routes : (queue?.fronts ?? ofElector);
  const flags = takesRoutes
    ? routes.map((route) => `route=${route.text}`)
    : (queue?.flags ?? asked.map(({ text }) => text));
  const gates = routes.filter(({ role }) => role === "ingress");
  const args = [
    ...(configMap === undefined ? [] : [`--config=${CONFIG_FOLDER}/${configMap.key}`]),
    ...flags.map((flag) => `--${flag}`),
    ...(options.drainToken === null || gates.length === 0 ? [] : [`--drain-token=${options.drainToken}`]),
  ];
  const spec = fields(workload.template["spec"]);
  refuseUnfit(spec, injectable, options, report);
  for (const { path, message } of portProblems(spec, injectable, ports, args)) report(path, message);

  const notes: string[] = [...(queue?.notes ?? [])];
  const additions: PlannedAddition[] = [];
  const aliases = planAliases(spec, routes, takesRoutes ? options.aliases : []);
  notes.push(...aliases.notes);
  for (const { path, message } of aliases.problems) report(path, message);
  additions.push(...aliases.additions);
  if (options.preStop) {
    const token = options.drainToken ?? DRAIN_TOKEN;
    const plan = planPreStop(spec, gates, injectable.pattern.probePort, token, options.container);
    for (const { path, message } of plan.problems) report(path, message);
    additions.push(...plan.additions.map(({ path, value }) => ({ path, added: { value } })));
  }
  planLowPorts(spec, ports, options, additions, report, notes);
  const volume = configMap === undefined ? null : `${containerName(injectable)}-config`;
  if (configMap !== undefined && volume !== null) {
    additions.push({
      path: ["spec", "volumes"],
      added: { items: [{ name: volume, configMap: { name: configMap.name } }] },
    });
    if (takesRoutes)
      notes.push(
        routes.length === 0
          ? "routes are in the ConfigMap: aliases come from --alias only, a gate's preStop is yours to write, and the rights that discovery=kubernetes needs are named by outrigger check"
          : `routes on the command line take the place of all that the ConfigMap ${configMap.name} has; the rest of it holds`,
      );
  }
  if (options.classic) keepDefaultContainer(workload, spec, additions);
  graceNote(spec, injectable, gates.length > 0, notes);
  return {
    workload,
    sidecar: {
      injectable,
      open: takesRoutes
        ? gates
        : ports.filter(({ listen }) => listen.host === undefined || !isLoopback(listen.host)),
      volume,
      mounts: queue?.mounts ?? [],
      image: queue?.image ?? null,
      resources: queue?.resources ?? null,
      args: [...args, ...(spec["hostNetwork"] === true ? ["--allow-host-network"] : [])],
    },
    additions,
    containerPath: ["spec", options.classic ? "containers" : "initContainers"],
    gates: queue?.fronts.filter(({ role, targets }) => role === "ingress" && targets.length > 0) ?? gates,
    routesAt: asked.flatMap(({ path }) => (path === null ? [] : [path])),
    notes,
    problems,
    grants: grantsFor(workload, injectable, routes),
  };
}

type Report = (path: Path, message: string) => void;

function refuseUnfit(spec: Fields, injectable: Injectable, options: InjectOptions, report: Report): void {
  const name = containerName(injectable);
  for (const key of ["initContainers", "containers"]) {
    const index = list(spec[key]).findIndex((each) => fields(each)["name"] === name);
    if (index >= 0) {
      report(
        ["spec", key, index],
        `a container ${name} is there, and is not inject's (it has no record of what was added): rename or remove it`,
      );
    }
  }
  if (fields(spec["os"])["name"] === "windows")
    report(["spec", "os", "name"], "the images are Linux images: a Windows pod cannot have them");
  if (spec["hostNetwork"] === true && !options.allowHostNetwork) {
    report(
      ["spec", "hostNetwork"],
      `is true: whoever reaches the node would reach the ${injectable.pattern.name}, and its ports are the node's; take it out, or give --allow-host-network`,
    );
  }
  const policy = spec["restartPolicy"];
  if (options.classic && (policy === "Never" || policy === "OnFailure")) {
    report(
      ["spec", "restartPolicy"],
      `is ${policy}, and a pod with an ordinary container beside the workload never completes: leave --classic out (a native sidecar ends with the workload)`,
    );
  }
}

/** We are no root: the pod's network must allow it. A safe sysctl, since Kubernetes 1.22. */
function planLowPorts(
  spec: Fields,
  routes: readonly Route[],
  options: InjectOptions,
  additions: PlannedAddition[],
  report: Report,
  notes: string[],
): void {
  const lowest = Math.min(...routes.map(({ listen }) => listen.port).filter((port) => port > 0));
  if (lowest >= 1024) return;
  if (!options.sysctl) {
    notes.push(`port ${lowest}: the nodes must let user 65532 listen there (--no-sysctl)`);
    return;
  }
  const sysctls = list(fields(spec["securityContext"])["sysctls"]).map(fields);
  const index = sysctls.findIndex(({ name }) => name === SYSCTL);
  const start = Number(sysctls[index]?.["value"]);
  if (index >= 0 && start > lowest) {
    report(
      ["spec", "securityContext", "sysctls", index],
      `${SYSCTL} is ${start}, and a route listens on ${lowest}: set it to ${lowest} or less`,
    );
  } else if (spec["hostNetwork"] === true) {
    report(
      ["spec", "hostNetwork"],
      `is true, and a route listens on ${lowest}: a pod with the node's network may not set ${SYSCTL}; let the route listen on 1024 or above, or give --no-sysctl`,
    );
  } else if (index < 0) {
    additions.push({
      path: ["spec", "securityContext", "sysctls"],
      added: { items: [{ name: SYSCTL, value: "0" }] },
      purpose: `${SYSCTL}=0 is to go there, since a route listens on ${lowest}; --no-sysctl leaves it out, for nodes that have it (Docker, containerd 2)`,
    });
  }
}

/** kubectl logs and exec without -c mean the first container, which is the workload's to be. */
function keepDefaultContainer(workload: Workload, spec: Fields, additions: PlannedAddition[]): void {
  const annotations = fields(fields(workload.template["metadata"])["annotations"]);
  const first = text(fields(list(spec["containers"])[0])["name"]);
  if (first === undefined || annotations[DEFAULT_CONTAINER] !== undefined) return;
  additions.push({
    path: ["metadata", "annotations", DEFAULT_CONTAINER],
    added: { value: first },
    optional: true,
  });
}

function graceNote(spec: Fields, injectable: Injectable, gated: boolean, notes: string[]): void {
  const seconds = spec["terminationGracePeriodSeconds"];
  const needed = GRACE_SECONDS + (gated ? WORKLOAD_SECONDS : 0);
  if (typeof seconds !== "number" || seconds >= needed) return;
  const parts = gated
    ? `${GRACE_SECONDS} s until the gate is drained, then the workload's own end`
    : `the ${injectable.pattern.name}'s grace`;
  notes.push(
    `terminationGracePeriodSeconds is ${seconds}, and an orderly end may take ${needed} s (${parts}): what is under way later is cut; raise it`,
  );
}
