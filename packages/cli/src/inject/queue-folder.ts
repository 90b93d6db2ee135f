/** The folder of an embedded work queue in its pod: for one process at a time, on a volume that is there after it. */
import type { Path } from "../manifest/document.ts";
import { fields, list, text, type Workload } from "../manifest/workload.ts";

const EMBEDDED = /^embedded:(.+)$/;
/** The image that has a database. */
export const EMBEDDED_IMAGE = "work-queue-embedded";

/** @returns the folder of `embedded:FOLDER`; null for another backend, and where it is not said */
export const folderOf = (backend: string | null | undefined): string | null =>
  EMBEDDED.exec(backend ?? "")?.[1] ?? null;

export interface FolderTrouble {
  readonly id: "queue-folder-unmounted" | "queue-ends-with-pod" | "queue-per-replica" | "queue-rollout-waits";
  /** Within the document. */
  readonly path: Path;
  readonly message: string;
}

/** @param mounts of the queue's container */
export function folderTroubles(
  workload: Workload,
  folder: string,
  mounts: readonly unknown[],
): FolderTrouble[] {
  const spec = fields(workload.value["spec"]);
  const pod = fields(workload.template["spec"]);
  const { kind, path, templatePath } = workload;
  const mount = mounts.map(fields).find((each) => within(folder, text(each["mountPath"])));
  const names = list(pod["volumes"]).map((each) => fields(each)["name"]);
  const index = mount === undefined ? -1 : names.indexOf(mount["name"]);
  const volume = fields(list(pod["volumes"])[index]);
  const troubles: FolderTrouble[] = [];
  if (mount === undefined)
    troubles.push({
      id: "queue-folder-unmounted",
      path: [...templatePath, "spec"],
      message: `embedded:${folder} is on no volume, and ends with its container: mount a volume there that is kept, or use redis:// or postgres://`,
    });
  else if (kind !== "Pod" && volume["emptyDir"] !== undefined)
    troubles.push({
      id: "queue-ends-with-pod",
      path: [...templatePath, "spec", "volumes", index, "emptyDir"],
      message: `embedded:${folder} is on an emptyDir: with the pod, whatever ends it, all jobs are gone; use a persistentVolumeClaim, or redis:// or postgres://`,
    });
  const replicas = spec["replicas"];
  if (kind === "DaemonSet" || (typeof replicas === "number" && replicas > 1))
    troubles.push({
      id: "queue-per-replica",
      path: kind === "DaemonSet" ? [...path, "kind"] : [...path, "spec", "replicas"],
      message: `each replica would have a queue of its own, and know nothing of the others' jobs; two on one volume do not start: ${kind === "DaemonSet" ? "use" : "write 1, or use"} redis:// or postgres:// for more`,
    });
  const strategy = fields(spec["strategy"])["type"];
  if (kind === "Deployment" && strategy !== "Recreate" && volume["persistentVolumeClaim"] !== undefined)
    troubles.push({
      id: "queue-rollout-waits",
      path: [...path, "spec", ...(strategy === undefined ? [] : ["strategy", "type"])],
      message: `a rollout starts the new pod beside the old one, which has the folder: it never becomes ready, and the old one stays: write strategy: { type: Recreate }`,
    });
  return troubles;
}

/** Whether a folder is a mount's, or below it. */
export function within(folder: string, mountPath: string | undefined): boolean {
  const mounted = (mountPath ?? "").replace(/\/+$/, "");
  return mounted !== "" && (folder === mounted || folder.startsWith(`${mounted}/`));
}

/** The volumes that a pod can mount by name. */
export function volumeNames(workload: Workload): string[] {
  const claims = list(fields(workload.value["spec"])["volumeClaimTemplates"]).map((each) =>
    text(fields(fields(each)["metadata"])["name"]),
  );
  const volumes = list(fields(workload.template["spec"])["volumes"]).map((each) =>
    text(fields(each)["name"]),
  );
  return [...volumes, ...claims].flatMap((name) => name ?? []);
}
