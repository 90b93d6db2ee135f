/** What a work queue needs of the pod and the Service around it, so that jobs are kept and callers come through it. */
import { mountOf, placeInVolume } from "../inject/queue-files.ts";
import { EMBEDDED_IMAGE, folderTroubles, type FolderTrouble } from "../inject/queue-folder.ts";
import { fields, list, text, type Fields } from "../manifest/workload.ts";
import { at } from "./configuration-findings.ts";
import type { Finding, Spot } from "./finding.ts";
import { bypasses } from "./gate-findings.ts";
import { gatesOf, type CheckedPod } from "./pod.ts";

export const queueFindings: readonly Finding[] = [
  {
    id: "queue-folder-unmounted",
    severity: "error",
    sentence: "An embedded work queue keeps its jobs in a folder that no volume is mounted on.",
    why: "The folder ends with its container: each restart loses all jobs. With a read-only root file system it does not start.",
    remedy: "Mount a volume there that is kept, or use redis:// or postgres://.",
    find: (pod) => troubles(pod, "queue-folder-unmounted"),
  },
  {
    id: "queue-ends-with-pod",
    severity: "warning",
    sentence: "An embedded work queue keeps its jobs on an emptyDir.",
    why: "It outlives the container, not the pod: an eviction, a rollout or the loss of the node loses all jobs.",
    remedy: "A persistentVolumeClaim, or redis:// or postgres://.",
    find: (pod) => troubles(pod, "queue-ends-with-pod"),
  },
  {
    id: "queue-per-replica",
    severity: "error",
    sentence: "An embedded work queue is in a workload with several replicas.",
    why: "Each would have a queue of its own, and answer 404 for the others' jobs; on one volume only one of them starts.",
    remedy: "replicas: 1, or redis:// or postgres://.",
    find: (pod) => troubles(pod, "queue-per-replica"),
  },
  {
    id: "queue-rollout-waits",
    severity: "error",
    sentence: "A Deployment with an embedded work queue on a claim does not recreate its pod.",
    why: "A rollout starts the new pod while the old one has the folder: the new one never becomes ready, and the old one stays.",
    remedy: "strategy: { type: Recreate }, or a StatefulSet, or redis:// or postgres://.",
    find: (pod) => troubles(pod, "queue-rollout-waits"),
  },
  {
    id: "queue-without-database",
    severity: "error",
    sentence: "A work queue with embedded:FOLDER runs in the image without a database.",
    why: "It does not start.",
    remedy: `The image outrigger/${EMBEDDED_IMAGE}.`,
    *find(pod) {
      for (const { facts, value, path } of pod.patterns) {
        const image = text(value["image"]) ?? "";
        if (facts.folder !== null && /[/-]work-queue(?=[:@]|$)/.test(image))
          yield at(
            pod,
            [...path, "image"],
            `found ${image}, which has no database for embedded:${facts.folder}: write ${image.replace(/work-queue(?=[:@]|$)/, EMBEDDED_IMAGE)}`,
          );
      }
    },
  },
  {
    id: "queue-files-unshared",
    severity: "error",
    sentence:
      "The folder of a program that reads files is on no volume that another container mounts, too, and may write.",
    why: "Nobody sees what the worker writes there, or nobody can take it away: each job waits until its time is up.",
    remedy:
      "Mount one volume in the worker's container and in the program's, with one subPath and without readOnly.",
    *find(pod) {
      for (const { facts, value, path, name } of pod.patterns) {
        if (facts.files === null) continue;
        const others = pod.containers.filter((each) => each.name !== name && each.role !== "init");
        const trouble = unshared(
          facts.files,
          mountOf(value, facts.files),
          others.flatMap((each) => list(each.value["volumeMounts"]).map(fields)),
        );
        if (trouble !== null) yield at(pod, path, `files:${facts.files} ${trouble}`);
      }
    },
  },
  {
    id: "service-bypasses-queue",
    severity: "warning",
    sentence: "A Service points to the workload's port, past the queue before it.",
    why: "These requests are not kept, and come at the pace of their callers.",
    remedy: "targetPort: the port on which the queue's front listens.",
    find: (pod, stream) => bypasses(pod, stream, gatesOf(pod, "queue"), "queue"),
  },
];

/** @param others mounts of the other containers @returns what is wrong; null: one of them may be the program's */
function unshared(folder: string, mount: Fields | null, others: readonly Fields[]): string | null {
  if (mount === null) return "is on no volume of this container: mount the program's there";
  if (mount["readOnly"] === true) return "is readOnly in this container, which writes there: take that out";
  const volume = String(mount["name"]);
  const same = others.filter((each) => each["name"] === mount["name"]);
  if (same.length === 0)
    return `is on the volume ${volume}, which no other container mounts: mount it in the program's`;
  const seeing = same.filter((each) => sees(each, mount, folder));
  if (seeing.length === 0)
    return `is in ${placeInVolume(mount, folder)}/ of the volume ${volume}, of which the other containers mount ${same.map((each) => `${placeInVolume(each)}/`).join(", ")}: write the same subPath`;
  return seeing.every((each) => each["readOnly"] === true)
    ? `is on the volume ${volume}, which is readOnly in every other container: the program takes its input away, and cannot`
    : null;
}

/** Whether what another container mounts of one volume has the worker's folder in it, or is a part of that. */
function sees(other: Fields, mount: Fields, folder: string): boolean {
  // An expression that is the other's alone may lead anywhere.
  if (other["subPathExpr"] !== mount["subPathExpr"]) return true;
  const [here, there] = [placeInVolume(mount, folder), placeInVolume(other)];
  return `${here}/`.startsWith(`${there}/`) || `${there}/`.startsWith(`${here}/`);
}

function* troubles(pod: CheckedPod, id: FolderTrouble["id"]): Iterable<Spot> {
  for (const { facts, value } of pod.patterns) {
    if (facts.folder === null) continue;
    for (const trouble of folderTroubles(pod.workload, facts.folder, list(value["volumeMounts"])))
      if (trouble.id === id) yield at(pod, trouble.path, trouble.message);
  }
}
