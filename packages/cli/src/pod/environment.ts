/** A container's environment: envFrom, env, valueFrom, in the kubelet's order and with its expansion of $(VAR). */
import { availableParallelism, totalmem } from "node:os";
import { listing, type Path, type Problem } from "../manifest/document.ts";
import { REDACTED } from "@outrigger/core";
import { expand } from "../manifest/expansion.ts";
import type {
  ConfigMapManifest,
  ContainerSpec,
  EnvVar,
  FieldSelector,
  ResourceSelector,
  SecretManifest,
} from "../manifest/fields.ts";
import { objectKey, type DeclaredPod, type Manifest } from "../manifest/load.ts";
import { inDivisors } from "./quantity.ts";

/** What the downward API tells about a pod. */
export interface PodFacts {
  readonly name: string;
  readonly namespace: string;
  readonly uid: string;
  readonly ip: string;
  readonly nodeName: string;
}

/** Looks values up for one pod, and reports what is not there at the place that asks for it. */
export class ValueSource {
  readonly #pod: DeclaredPod;
  readonly #manifest: Manifest;
  readonly facts: PodFacts;
  readonly #problems: Problem[];
  /** Each object is decoded once, however many variables ask for one of its keys. */
  readonly #decoded = new Map<object, ReadonlyMap<string, Buffer>>();

  constructor(pod: DeclaredPod, manifest: Manifest, facts: PodFacts, problems: Problem[]) {
    this.#pod = pod;
    this.#manifest = manifest;
    this.facts = facts;
    this.#problems = problems;
  }

  /** The files of a ConfigMap or Secret; null (and a problem, unless optional) where there is none. */
  files(
    kind: "ConfigMap" | "Secret",
    name: string,
    optional: boolean | undefined,
    at: Path,
  ): ReadonlyMap<string, Buffer> | null {
    const found = this.#object(kind, name);
    if (found) {
      const files =
        this.#decoded.get(found) ?? (kind === "ConfigMap" ? configMapFiles(found) : secretFiles(found));
      this.#decoded.set(found, files);
      return files;
    }
    if (!optional) {
      const names = (kind === "ConfigMap" ? this.#manifest.configMaps : this.#manifest.secrets).keys();
      const there = listing([...names].map((each) => each.slice(each.indexOf("/") + 1)));
      this.#problem(
        at,
        `there is no ${kind} ${JSON.stringify(name)} in the files given; ${there === "" ? "add its document, or its file to the command" : `there are: ${there}`}`,
      );
    }
    return null;
  }

  /** Whether all keys of an object are known: it is there, and no problem was found in it. */
  isWhole(kind: "ConfigMap" | "Secret", name: string): boolean {
    const found = this.#object(kind, name);
    return found !== undefined && !this.#manifest.incomplete.has(found);
  }

  /** Reports a key that an object does not have, unless that may follow from what was reported of the object. */
  missingKey(
    kind: "ConfigMap" | "Secret",
    name: string,
    key: string,
    files: ReadonlyMap<string, Buffer>,
    at: Path,
  ): void {
    if (!this.isWhole(kind, name)) return;
    const there = listing(files.keys());
    this.#problem(
      at,
      `the ${kind} ${JSON.stringify(name)} has no key ${JSON.stringify(key)}; it ${there === "" ? "is empty" : `has: ${there}`}`,
    );
  }

  #object(kind: "ConfigMap" | "Secret", name: string): ConfigMapManifest | SecretManifest | undefined {
    const key = objectKey(this.#pod.metadata.namespace, name);
    return kind === "ConfigMap" ? this.#manifest.configMaps.get(key) : this.#manifest.secrets.get(key);
  }

  fieldRef(selector: FieldSelector, at: Path): string {
    const { facts } = this;
    const { metadata, spec } = this.#pod;
    const keyed = /^metadata\.(labels|annotations)\['([^']+)'\]$/.exec(selector.fieldPath);
    if (keyed)
      return (keyed[1] === "labels" ? metadata.labels : metadata.annotations)?.[keyed[2] as string] ?? "";
    const lines = (values: Readonly<Record<string, string>> | undefined): string =>
      Object.entries(values ?? {})
        .map(([key, value]) => `${key}=${JSON.stringify(value)}`)
        .join("\n");
    switch (selector.fieldPath) {
      case "metadata.name":
        return facts.name;
      case "metadata.namespace":
        return facts.namespace;
      case "metadata.uid":
        return facts.uid;
      case "metadata.labels":
        return lines(metadata.labels);
      case "metadata.annotations":
        return lines(metadata.annotations);
      case "spec.nodeName":
        return spec.nodeName ?? facts.nodeName;
      case "spec.serviceAccountName":
        return spec.serviceAccountName ?? "default";
      case "status.podIP":
      case "status.podIPs":
      case "status.hostIP":
      case "status.hostIPs":
        return facts.ip;
      default:
        this.#problem(
          [...at, "fieldPath"],
          `found ${JSON.stringify(selector.fieldPath)}, accepted: metadata.name, metadata.namespace, metadata.uid, metadata.labels, metadata.labels['KEY'], metadata.annotations, metadata.annotations['KEY'], spec.nodeName, spec.serviceAccountName, status.podIP, status.podIPs, status.hostIP, status.hostIPs`,
        );
        return "";
    }
  }

  resourceFieldRef(selector: ResourceSelector, own: ContainerSpec | undefined, at: Path): string {
    const { spec } = this.#pod;
    const all = [...(spec.initContainers ?? []), ...spec.containers];
    const container =
      selector.containerName === undefined ? own : all.find((each) => each.name === selector.containerName);
    if (!container) {
      this.#problem(
        [...at, "containerName"],
        `there is no container ${JSON.stringify(selector.containerName ?? "")}; there are: ${all.map((each) => each.name).join(", ")}`,
      );
      return "";
    }
    const [kind, resource] = selector.resource.split(".") as ["limits" | "requests", string];
    const written = container.resources?.[kind]?.[resource];
    const node = resource === "cpu" ? availableParallelism() : resource === "memory" ? totalmem() : 0;
    return inDivisors(written ?? (kind === "limits" ? node : 0), selector.divisor);
  }

  #problem(at: Path, message: string): void {
    this.#problems.push(this.#pod.document.problem([...this.#pod.specPath, ...at], message));
  }

  /**
   * @param at the path of the container within the PodSpec
   * @returns the variables, and the same as they may be printed: what comes from a Secret is redacted
   */
  environment(
    container: ContainerSpec,
    at: Path,
  ): { readonly variables: Map<string, string>; readonly shown: Map<string, string> } {
    const variables = new Map<string, string>();
    const shown = new Map<string, string>();
    for (const [index, from] of (container.envFrom ?? []).entries()) {
      for (const [kind, reference, key] of [
        ["ConfigMap", from.configMapRef, "configMapRef"],
        ["Secret", from.secretRef, "secretRef"],
      ] as const) {
        if (!reference) continue;
        const files = this.files(kind, reference.name, reference.optional, [
          ...at,
          "envFrom",
          index,
          key,
          "name",
        ]);
        for (const [name, content] of files ?? []) {
          const text = content.toString();
          if (text.includes("\0")) {
            this.#problem(
              [...at, "envFrom", index, key, "name"],
              `the ${kind} ${JSON.stringify(reference.name)} has a NUL byte in its key ${JSON.stringify(name)}, which no variable can have: mount it as a volume`,
            );
          } else {
            variables.set(`${from.prefix ?? ""}${name}`, text);
            shown.set(`${from.prefix ?? ""}${name}`, kind === "Secret" ? REDACTED : text);
          }
        }
      }
    }
    for (const [index, variable] of (container.env ?? []).entries()) {
      const value = this.#value(variable, container, variables, [...at, "env", index]);
      if (value === undefined) continue;
      variables.set(variable.name, value);
      const { valueFrom } = variable;
      if (valueFrom) shown.set(variable.name, valueFrom.secretKeyRef ? REDACTED : value);
      else shown.set(variable.name, expand(variable.value ?? "", shown));
    }
    return { variables, shown };
  }

  #value(
    variable: EnvVar,
    container: ContainerSpec,
    variables: ReadonlyMap<string, string>,
    at: Path,
  ): string | undefined {
    const from = variable.valueFrom;
    if (!from) return expand(variable.value ?? "", variables);
    if (variable.value !== undefined) {
      this.#problem([...at, "valueFrom"], "stands beside value: write one of the two");
      return undefined;
    }
    const path = [...at, "valueFrom"];
    const sources = Object.keys(from);
    if (sources.length !== 1) {
      this.#problem(
        path,
        `found ${sources.length === 0 ? "no source" : sources.join(" and ")}, accepted: one of configMapKeyRef, secretKeyRef, fieldRef, resourceFieldRef`,
      );
      return undefined;
    }
    if (from.fieldRef) return this.fieldRef(from.fieldRef, [...path, "fieldRef"]);
    if (from.resourceFieldRef) {
      return this.resourceFieldRef(from.resourceFieldRef, container, [...path, "resourceFieldRef"]);
    }
    const [kind, key, reference] = from.configMapKeyRef
      ? (["ConfigMap", "configMapKeyRef", from.configMapKeyRef] as const)
      : (["Secret", "secretKeyRef", from.secretKeyRef] as const);
    if (!reference) return undefined;
    const files = this.files(kind, reference.name, reference.optional, [...path, key, "name"]);
    const content = files?.get(reference.key);
    if (files && content === undefined && !reference.optional) {
      this.missingKey(kind, reference.name, reference.key, files, [...path, key, "key"]);
    }
    const text = content?.toString();
    if (text?.includes("\0")) {
      this.#problem(
        [...path, key, "key"],
        `the ${kind} ${JSON.stringify(reference.name)} has a NUL byte in its key ${JSON.stringify(reference.key)}, which no variable can have: mount it as a volume`,
      );
      return undefined;
    }
    return text;
  }
}

export function configMapFiles(map: ConfigMapManifest): Map<string, Buffer> {
  const files = new Map<string, Buffer>();
  for (const [key, text] of Object.entries(map.data ?? {})) files.set(key, Buffer.from(text));
  for (const [key, text] of Object.entries(map.binaryData ?? {})) files.set(key, Buffer.from(text, "base64"));
  return files;
}

export function secretFiles(secret: SecretManifest): Map<string, Buffer> {
  const files = new Map<string, Buffer>();
  for (const [key, text] of Object.entries(secret.data ?? {})) files.set(key, Buffer.from(text, "base64"));
  for (const [key, text] of Object.entries(secret.stringData ?? {})) files.set(key, Buffer.from(text));
  return files;
}
