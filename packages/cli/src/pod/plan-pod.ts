/** Turns a declared pod into a plan: values looked up, paths rewritten, commands found; what is wrong becomes problems. */
import { createHash } from "node:crypto";
import { mkdirSync } from "node:fs";
import { hostname } from "node:os";
import { join, normalize, resolve } from "node:path";
import { listing, type Path, type Problem } from "../manifest/document.ts";
import type { ContainerSpec } from "../manifest/fields.ts";
import type { DeclaredPod, Manifest } from "../manifest/load.ts";
import { planConfigCheck } from "./config-check.ts";
import type { ContainerContext, PlanOptions } from "./container-context.ts";
import { ValueSource, type PodFacts } from "./environment.ts";
import { planHooks, planProbes } from "./plan-probes.ts";
import { planCommand } from "./plan-command.ts";
import { containerPorts, patternListeners } from "./port-claim.ts";
import { patternOf } from "./image.ts";
import { selects, unreachable } from "./own-network.ts";
import type { Mount } from "./mount-path.ts";
import type { ContainerPlan, PodPlan, PortClaim, RestartPolicy, Role } from "./plan.ts";
import { planVolumes, type Volume } from "./volume.ts";
import { expand } from "../manifest/expansion.ts";

export function planPod(
  pod: DeclaredPod,
  manifest: Manifest,
  options: PlanOptions,
  problems: Problem[],
): PodPlan {
  const facts: PodFacts = {
    name: pod.name,
    namespace: pod.metadata.namespace ?? "default",
    uid: pod.metadata.uid ?? uidOf(options.folder, pod.id),
    ip: options.ip,
    nodeName: hostname(),
  };
  const values = new ValueSource(pod, manifest, facts, problems);
  const folder = join(options.folder, folderName(pod.id));
  const volumes = planVolumes(pod, values, join(folder, "volumes"), options.volumes, problems);
  const restartPolicy = pod.spec.restartPolicy ?? "Always";
  const report = (path: Path, message: string): void =>
    void problems.push(pod.document.problem([...pod.specPath, ...path], message));
  if (pod.kind === "Deployment" && restartPolicy !== "Always") {
    report(["restartPolicy"], `found "${restartPolicy}", accepted: Always for a Deployment`);
  }
  if (pod.kind === "Job" && restartPolicy === "Always") {
    report(["restartPolicy"], "accepted for a Job: OnFailure or Never, written out");
  }
  if (pod.spec.containers.length === 0)
    report(["containers"], "found an empty list, accepted: one container or more");

  const names = new Set<string>();
  const plan = (
    container: ContainerSpec,
    list: "containers" | "initContainers",
    index: number,
  ): ContainerPlan => {
    const at = [list, index];
    if (names.has(container.name)) {
      report(
        [...at, "name"],
        `a second container ${JSON.stringify(container.name)}: every name in a pod is its own`,
      );
    }
    names.add(container.name);
    const sidecar = list === "initContainers" && container.restartPolicy === "Always";
    const role: Role = list === "containers" ? "main" : sidecar ? "sidecar" : "init";
    if (role === "init" && container.restartPolicy !== undefined) {
      report(
        [...at, "restartPolicy"],
        `found "${container.restartPolicy}", accepted: Always (a native sidecar), or nothing`,
      );
    }
    if (role === "init") {
      for (const key of ["startupProbe", "livenessProbe", "readinessProbe", "lifecycle"] as const) {
        if (container[key]) {
          report(
            [...at, key],
            "an init container that runs to its end cannot have one; with restartPolicy: Always it is a native sidecar and can",
          );
        }
      }
    }
    const policy = restartPolicyOf(role, container, restartPolicy);
    return planContainer(pod, container, role, policy, at, values, volumes, options, folder, report);
  };
  const init = (pod.spec.initContainers ?? []).map((each, index) => plan(each, "initContainers", index));
  const main = pod.spec.containers.map((each, index) => plan(each, "containers", index));

  return {
    id: pod.id,
    label: pod.label,
    name: pod.name,
    kind: pod.kind,
    folder,
    volumes: [...volumes.values()],
    init,
    main,
    grace: (pod.spec.terminationGracePeriodSeconds ?? 30) * 1000,
    deadline:
      pod.spec.activeDeadlineSeconds === undefined ? undefined : pod.spec.activeDeadlineSeconds * 1000,
    notHonoured: options.ownNetwork ? unreachable(pod, manifest) : unresolvable(pod, manifest),
  };
}

/** An id as one folder's name; no part of an id has an underscore. */
export const folderName = (id: string): string => id.replaceAll("/", "_");

/** A UUID that stays the same while the run lasts, also when the manifest is planned anew. */
function uidOf(folder: string, id: string): string {
  const hex = createHash("sha256").update(`${folder}/${id}`).digest("hex");
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}

/** An init container is retried until it succeeds, unless the pod never restarts; a sidecar always runs. */
function restartPolicyOf(role: Role, container: ContainerSpec, pod: RestartPolicy): RestartPolicy {
  if (role === "sidecar") return "Always";
  if (role === "init") return pod === "Never" ? "Never" : "OnFailure";
  return container.restartPolicy ?? pod;
}

function planContainer(
  pod: DeclaredPod,
  container: ContainerSpec,
  role: Role,
  restartPolicy: RestartPolicy,
  at: Path,
  values: ValueSource,
  volumes: ReadonlyMap<string, Volume>,
  options: PlanOptions,
  podFolder: string,
  report: ContainerContext["report"],
): ContainerPlan {
  const { variables, shown } = values.environment(container, at);
  const context: ContainerContext = {
    pod,
    container,
    role,
    at,
    options,
    facts: values.facts,
    mounts: planMounts(container, volumes, variables, at, report),
    variables,
    shown,
    ports: container.ports ?? [],
    report,
  };
  const pattern = patternOf(container.image);
  const command = planCommand(context, pattern, join(podFolder, "root", container.name));
  const check = pattern && planConfigCheck(context, pattern, command);
  const listeners = pattern && patternListeners(pattern, command.argv, command.env);
  const claims: PortClaim[] = [...containerPorts(context), ...(listeners?.claims(context) ?? [])];
  return {
    name: container.name,
    role,
    image: container.image,
    pattern: pattern && {
      ...pattern,
      metricsUrl: listeners?.probe ? `http://${options.ip}:${listeners.probe}/metrics` : null,
    },
    command,
    ...(check && { check }),
    restartPolicy,
    ...planProbes(context, command),
    ...planHooks(context, command),
    mounts: context.mounts,
    ports: claims,
  };
}

function planMounts(
  container: ContainerSpec,
  volumes: ReadonlyMap<string, Volume>,
  variables: ReadonlyMap<string, string>,
  at: Path,
  report: ContainerContext["report"],
): Mount[] {
  const mounts: Mount[] = [];
  for (const [index, mount] of (container.volumeMounts ?? []).entries()) {
    const path = [...at, "volumeMounts", index];
    const volume = volumes.get(mount.name);
    if (!volume) {
      const there = [...volumes.keys()].join(", ");
      report(
        [...path, "name"],
        `there is no volume ${JSON.stringify(mount.name)}; there ${there === "" ? "are none" : `are: ${there}`}`,
      );
      continue;
    }
    if (mount.subPath !== undefined && mount.subPathExpr !== undefined) {
      report([...path, "subPathExpr"], "subPath is written beside it, accepted: one of the two");
      continue;
    }
    const subPath = mount.subPathExpr === undefined ? mount.subPath : expand(mount.subPathExpr, variables);
    if (subPath !== undefined && (subPath.startsWith("/") || subPath.split("/").includes(".."))) {
      report(
        [...path, mount.subPathExpr === undefined ? "subPath" : "subPathExpr"],
        `found ${JSON.stringify(mount.subPathExpr ?? subPath)}, accepted: a relative path without ..`,
      );
      continue;
    }
    if (mounts.some((other) => other.mountPath === mount.mountPath)) {
      report([...path, "mountPath"], `a second volume at ${mount.mountPath}`);
    }
    const sub = subPath === undefined ? "." : normalize(subPath).replace(/\/$/, "");
    const { files } = volume;
    if (sub !== "." && files && files.length > 0) {
      if (!files.some((file) => file.path === sub || file.path.startsWith(`${sub}/`))) {
        report(
          [...path, mount.subPathExpr === undefined ? "subPath" : "subPathExpr"],
          `the volume ${JSON.stringify(mount.name)} has no ${JSON.stringify(mount.subPathExpr ?? sub)}; it has: ${listing(files.map((file) => file.path))}`,
        );
      }
    }
    mounts.push({
      mountPath: mount.mountPath,
      folder: sub === "." ? volume.folder : join(volume.folder, sub),
      ...(sub !== "." && !files && { within: volume.folder }),
    });
  }
  return mounts;
}

/** Names that would resolve in a cluster and do not on the laptop's own network. */
function unresolvable(pod: DeclaredPod, manifest: Manifest): string[] {
  const sentences: string[] = [];
  const aliases = (pod.spec.hostAliases ?? []).flatMap((alias) => alias.hostnames ?? []);
  if (aliases.length > 0) {
    sentences.push(
      `hostAliases ${aliases.join(", ")} do not resolve: the pod shares the laptop's network (where the system allows it, --network namespace gives it one of its own)`,
    );
  }
  const mine = manifest.services.filter((service) => selects(service, pod));
  for (const service of mine) {
    sentences.push(
      `Service name ${service.metadata.name} does not resolve: the pod's ports are on localhost`,
    );
  }
  return sentences;
}

/** Makes the folders that stand for the containers' own roots. */
export function createRoots(plan: PodPlan): void {
  for (const container of [...plan.init, ...plan.main]) {
    if (container.command.cwd.startsWith(plan.folder))
      mkdirSync(resolve(container.command.cwd), { recursive: true });
  }
}
