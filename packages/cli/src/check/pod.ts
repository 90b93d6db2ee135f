/** One pod of the stream as the findings see it: its containers in the kubelet's roles, and what our patterns in it do. */
import type { Path } from "../manifest/document.ts";
import { fields, list, text, type Fields, type Workload } from "../manifest/workload.ts";
import { containerName, INJECTABLES } from "../inject/pattern-table.ts";
import { RECORD_VARIABLE } from "../inject/record.ts";
import { patternOf, type Pattern } from "../pod/image.ts";
import type { PatternFacts, Route } from "./pattern-facts.ts";
import type { PatternWords } from "./pattern-words.ts";

/** init: ends before the next starts. sidecar: an init container with restartPolicy Always. */
export type Role = "init" | "sidecar" | "main";

export interface Container {
  readonly name: string;
  readonly role: Role;
  readonly value: Fields;
  /** Within the document. */
  readonly path: Path;
  readonly pattern: Pattern | null;
}

export interface PatternContainer extends Container {
  readonly pattern: Pattern;
  readonly words: PatternWords;
  readonly facts: PatternFacts;
}

export interface CheckedPod {
  readonly workload: Workload;
  readonly spec: Fields;
  /** Of the PodSpec, within the document. */
  readonly specPath: Path;
  readonly namespace: string;
  readonly labels: Fields;
  readonly containers: readonly Container[];
  readonly patterns: readonly PatternContainer[];
}

export function containersOf(workload: Workload): Container[] {
  const spec = fields(workload.template["spec"]);
  const read = (key: "initContainers" | "containers"): Container[] =>
    list(spec[key]).map((each, index) => {
      const value = fields(each);
      return {
        name: text(value["name"]) ?? `${key}[${index}]`,
        role: key === "containers" ? "main" : value["restartPolicy"] === "Always" ? "sidecar" : "init",
        value,
        path: [...workload.templatePath, "spec", key, index],
        pattern: patternOf(text(value["image"]) ?? "") ?? injectedPattern(value) ?? null,
      };
    });
  return [...read("initContainers"), ...read("containers")];
}

/** Of a container that inject has added, wherever --image-prefix has its image. */
function injectedPattern({ name, env }: Fields): Pattern | undefined {
  const recorded = list(env).some((each) => fields(each)["name"] === RECORD_VARIABLE);
  return recorded ? INJECTABLES.find((each) => containerName(each) === name)?.pattern : undefined;
}

export interface Gate {
  readonly container: PatternContainer;
  readonly route: Route;
  /** The port of the workload behind it. */
  readonly target: number;
}

/** What stands before a port of the pod itself: its gates, ingress routes; or the fronts of its queues. */
export function gatesOf(pod: CheckedPod, role: "ingress" | "queue" = "ingress"): Gate[] {
  return pod.patterns.flatMap((container) =>
    container.facts.routes.flatMap((route) => {
      const [target, other] = route.targets;
      const gate = route.role === role && target && !other && target.port !== null && isLoopback(target.host);
      return gate ? [{ container, route, target: target.port }] : [];
    }),
  );
}

/** The container that listens on a port: whose containerPort it is, else the only one that is no pattern. */
export function workloadBehind(pod: CheckedPod, port: number): Container | null {
  const ordinary = pod.containers.filter(({ role, pattern }) => role === "main" && pattern === null);
  const declared = ordinary.find((each) => declaredPorts(each).some((found) => found.port === port));
  return declared ?? (ordinary.length === 1 ? (ordinary[0] as Container) : null);
}

export interface DeclaredPort {
  readonly port: number;
  readonly name: string | null;
  readonly path: Path;
}

/** TCP containerPorts. */
export function declaredPorts({ value, path }: Container): DeclaredPort[] {
  return list(value["ports"]).flatMap((each, index) => {
    const { containerPort, protocol, name } = fields(each);
    if (typeof containerPort !== "number" || (protocol ?? "TCP") !== "TCP") return [];
    return [
      { port: containerPort, name: text(name) ?? null, path: [...path, "ports", index, "containerPort"] },
    ];
  });
}

/** A port as probes, hooks and Services write it: a number, or the name of one of these; null: there is none of that name. */
export function portNumber(written: unknown, ports: readonly DeclaredPort[]): number | null {
  if (typeof written === "number") return written;
  if (typeof written !== "string") return null;
  if (/^\d+$/.test(written)) return Number(written);
  return ports.find(({ name }) => name === written)?.port ?? null;
}

export const isLoopback = (host: string | undefined): boolean =>
  host !== undefined && (host === "localhost" || host === "::1" || host.startsWith("127."));
