/** Probes and lifecycle hooks of a container, with the kubelet's defaults: period 10 s, timeout 1 s, thresholds 1 and 3. */
import type { HttpGet, LifecycleHandler, ProbeSpec } from "../manifest/fields.ts";
import type { Path } from "../manifest/document.ts";
import { childPath, IMAGE_ENTRY, patternCommand, patternOf } from "./image.ts";
import { rewriteMountPaths } from "./mount-path.ts";
import type { ContainerContext } from "./container-context.ts";
import type { ContainerPlan, Hook } from "./plan.ts";
import type { Action, ProbePlan } from "./probe.ts";
import type { Command } from "./process-group.ts";

type Probes = Pick<ContainerPlan, "startupProbe" | "livenessProbe" | "readinessProbe">;
type Hooks = Pick<ContainerPlan, "postStart" | "preStop" | "stopSignal">;

export function planProbes(context: ContainerContext, command: Command): Probes {
  const { container, at } = context;
  return {
    startupProbe: planProbe(context, command, container.startupProbe, [...at, "startupProbe"], true),
    livenessProbe: planProbe(context, command, container.livenessProbe, [...at, "livenessProbe"], true),
    readinessProbe: planProbe(context, command, container.readinessProbe, [...at, "readinessProbe"], false),
  };
}

function planProbe(
  context: ContainerContext,
  command: Command,
  spec: ProbeSpec | undefined,
  at: Path,
  once: boolean,
): ProbePlan | undefined {
  if (!spec) return undefined;
  const action = planAction(context, command, spec, at);
  if (once && spec.successThreshold !== undefined && spec.successThreshold !== 1) {
    context.report(
      [...at, "successThreshold"],
      `found ${spec.successThreshold}, accepted: 1 for startup and liveness probes`,
    );
  }
  return (
    action && {
      action,
      initialDelay: (spec.initialDelaySeconds ?? 0) * 1000,
      period: (spec.periodSeconds ?? 10) * 1000,
      timeout: (spec.timeoutSeconds ?? 1) * 1000,
      successThreshold: spec.successThreshold ?? 1,
      failureThreshold: spec.failureThreshold ?? 3,
      grace:
        spec.terminationGracePeriodSeconds === undefined
          ? undefined
          : spec.terminationGracePeriodSeconds * 1000,
    }
  );
}

export function planHooks(context: ContainerContext, command: Command): Hooks {
  const { lifecycle } = context.container;
  const at = [...context.at, "lifecycle"];
  return {
    postStart: planHook(context, command, lifecycle?.postStart, [...at, "postStart"]),
    preStop: planHook(context, command, lifecycle?.preStop, [...at, "preStop"]),
    stopSignal: (lifecycle?.stopSignal ?? "SIGTERM") as NodeJS.Signals,
  };
}

function planHook(
  context: ContainerContext,
  command: Command,
  spec: LifecycleHandler | undefined,
  at: Path,
): Hook | undefined {
  if (!spec) return undefined;
  if (spec.sleep && !spec.exec && !spec.httpGet) return { kind: "sleep", span: spec.sleep.seconds * 1000 };
  return planAction(context, command, spec, at);
}

function planAction(
  context: ContainerContext,
  command: Command,
  spec: Pick<ProbeSpec, "exec" | "httpGet" | "tcpSocket"> & { readonly sleep?: unknown },
  at: Path,
): Action | undefined {
  const handlers = (["exec", "httpGet", "tcpSocket", "sleep"] as const).filter(
    (key) => spec[key] !== undefined,
  );
  if (handlers.length !== 1) {
    context.report(
      at,
      `found ${handlers.length === 0 ? "no handler" : handlers.join(" and ")}, accepted: one of exec, httpGet, tcpSocket`,
    );
    return undefined;
  }
  if (spec.exec) {
    const words = asHere(context, spec.exec.command ?? []);
    if (words.length === 0) {
      context.report([...at, "exec", "command"], "found no word, accepted: a list with one word or more");
      return undefined;
    }
    // The kubelet does not expand $(VAR) in probes and hooks.
    const argv = words.map((word) => rewriteMountPaths(word, context.mounts));
    return { kind: "exec", command: { ...command, argv, shown: argv } };
  }
  if (spec.tcpSocket) {
    const port = portNumber(context, spec.tcpSocket.port, [...at, "tcpSocket", "port"]);
    return { kind: "tcp", host: spec.tcpSocket.host ?? context.facts.ip, port };
  }
  const get = spec.httpGet as HttpGet;
  const path = get.path ?? "/";
  return {
    kind: "http",
    host: get.host ?? context.facts.ip,
    port: portNumber(context, get.port, [...at, "httpGet", "port"]),
    path: path.startsWith("/") ? path : `/${path}`,
    secure: get.scheme === "HTTPS",
    headers: (get.httpHeaders ?? []).map(({ name, value }) => [name, value] as const),
  };
}

function portNumber(context: ContainerContext, port: number | string, at: Path): number {
  const number = typeof port === "number" ? port : /^\d+$/.test(port) ? Number(port) : undefined;
  if (number !== undefined) {
    if (number >= 1 && number <= 65535) return number;
    context.report(at, `found ${number}, accepted: a port from 1 to 65535`);
    return 0;
  }
  const named = context.ports.find((each) => each.name === port);
  if (named) return named.containerPort;
  const names = context.ports.flatMap((each) => each.name ?? []).join(", ");
  context.report(
    at,
    `the container has no port named ${JSON.stringify(port)}; ${names === "" ? "none has a name" : `it has: ${names}`}`,
  );
  return 0;
}

/** A pattern's own program is another file here than in its image: a classic sidecar's postStart calls it. */
function asHere({ container, options }: ContainerContext, words: readonly string[]): readonly string[] {
  const pattern = patternOf(container.image);
  if (!pattern || !IMAGE_ENTRY.every((word, index) => words[index] === word)) return words;
  const own = patternCommand(pattern, childPath(options.environment));
  return own ? [...own, ...words.slice(IMAGE_ENTRY.length)] : words;
}
