/**
 * A network namespace for each pod (Linux): a second `outrigger run` inside it runs the pod as if it were alone on
 * the machine, with a hosts file of its own mounted over /etc/hosts. Where there are no rights, a user namespace gives
 * them (the pod's processes then see themselves as root, and have your rights). Nothing outside can be reached.
 */
import { spawnSync } from "node:child_process";
import { OutriggerError } from "@outrigger/core";
import type { ServiceManifest } from "../manifest/fields.ts";
import type { DeclaredPod, Manifest } from "../manifest/load.ts";

/** Tells the inner run that it is inside, and where its hosts file is. Containers do not inherit it. */
export const INSIDE = "OUTRIGGER_INSIDE_NETWORK";

/**
 * Tells the inner run that the outer's output is lost, which it cannot see itself. Before it listens it has started
 * nothing, and the signal's own action, which is to end it, is right.
 */
export const OUTPUT_LOST = "SIGUSR2";

/** @returns the words that start a command in namespaces of its own, or why this system does not allow it */
export function namespaceCommand(): { readonly words: readonly string[] } | { readonly why: string } {
  if (process.platform !== "linux") return { why: "network namespaces are Linux's" };
  const rights = process.getuid?.() === 0 ? [] : ["--user", "--map-root-user"];
  const words = ["unshare", ...rights, "--net", "--mount", "--"];
  const args = [...words.slice(1), "ip", "link", "set", "lo", "up"];
  const tried = spawnSync("unshare", args, { encoding: "utf8" });
  if (tried.status === 0) return { words };
  return { why: tried.error?.message ?? (tried.stderr.trim() || `unshare ended with code ${tried.status}`) };
}

/** Makes the namespace that this process is in usable: loopback up, the pod's names in /etc/hosts. */
export function furnish(hosts: string): void {
  for (const [file, ...args] of [
    ["ip", "link", "set", "lo", "up"],
    ["mount", "--bind", hosts, "/etc/hosts"],
  ] as const) {
    const done = spawnSync(file, args, { encoding: "utf8" });
    if (done.status !== 0) {
      const why = done.error?.message ?? done.stderr.trim();
      throw new OutriggerError(
        "no-namespace",
        `cannot set up the pod's network (${[file, ...args].join(" ")}): ${why}; use --network host`,
      );
    }
  }
}

export function selects(service: ServiceManifest, pod: DeclaredPod): boolean {
  const selector = Object.entries(service.spec?.selector ?? {});
  const sameNamespace = (service.metadata.namespace ?? "default") === (pod.metadata.namespace ?? "default");
  return (
    sameNamespace &&
    selector.length > 0 &&
    selector.every(([key, value]) => pod.metadata.labels?.[key] === value)
  );
}

/** The pod's /etc/hosts, as the kubelet writes it, and the Services that select the pod. */
export function hostsFile(pod: DeclaredPod, manifest: Manifest): string {
  const namespace = pod.metadata.namespace ?? "default";
  const lines = ["127.0.0.1 localhost", "::1 localhost ip6-localhost ip6-loopback", `127.0.0.1 ${pod.name}`];
  for (const alias of pod.spec.hostAliases ?? [])
    lines.push(`${alias.ip} ${(alias.hostnames ?? []).join(" ")}`);
  for (const service of manifest.services.filter((each) => selects(each, pod))) {
    const { name } = service.metadata;
    lines.push(
      `127.0.0.1 ${[name, `${name}.${namespace}`, `${name}.${namespace}.svc`, `${name}.${namespace}.svc.cluster.local`].join(" ")}`,
    );
  }
  return `${lines.join("\n")}\n`;
}

/** What a pod in a network of its own does without. */
export function unreachable(pod: DeclaredPod, manifest: Manifest): string[] {
  const sentences = [
    `pod ${pod.label} has a network of its own: nothing outside it can be reached, nor it from outside`,
  ];
  for (const service of manifest.services) {
    const { name } = service.metadata;
    if (!selects(service, pod)) {
      sentences.push(
        `Service name ${name} does not resolve in pod ${pod.label}: its pods are in another network`,
      );
      continue;
    }
    for (const port of service.spec?.ports ?? []) {
      if (port.targetPort === undefined || port.targetPort === port.port) continue;
      sentences.push(
        `Service ${name} port ${port.port} does not lead to ${port.targetPort}: its name is the pod itself`,
      );
    }
  }
  return sentences;
}
