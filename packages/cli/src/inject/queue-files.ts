/** The folder of a program that reads files, beside a work queue: on a volume that both containers mount. */
import { posix } from "node:path";
import type { Path } from "../manifest/document.ts";
import { fields, list, text, type Fields, type Workload } from "../manifest/workload.ts";
import type { Value } from "./emit.ts";
import { within } from "./queue-folder.ts";

/** @returns the folder of `files:FOLDER`; null for a workload that is asked over HTTP, and where it is not said */
export const filesFolderOf = (workload: string | null | undefined): string | null =>
  /^files:(\/(?!\/).*)$/.exec(workload ?? "")?.[1] ?? null;

export interface FilesTrouble {
  /** Within the document. */
  readonly path: Path;
  readonly message: string;
}

/** What the program's container mounts at the folder, or above it, is the queue's to mount as well. */
export function filesMount(workload: Workload, folder: string): Value | FilesTrouble {
  const containers = list(fields(workload.template["spec"])["containers"]).map(fields);
  const path = [...workload.templatePath, "spec", "containers"];
  const found = containers.flatMap((container, index) => {
    const mount = mountOf(container, folder);
    return mount === null ? [] : [{ mount, path: [...path, index, "volumeMounts"] }];
  });
  const [first] = found;
  if (first === undefined)
    return {
      path,
      message: `none mounts a volume at ${folder}, or above it, where files:${folder} has the program's files: mount one there in the program's container${mountsOf(containers)}`,
    };
  const other = found.find(({ mount }) => placeOf(mount) !== placeOf(first.mount));
  if (other !== undefined)
    return {
      path: other.path,
      message: `containers mount different volumes where files:${folder} has the program's files: which is the program's cannot be told; give the others another path`,
    };
  // One that only reads them may be another's.
  if (found.every(({ mount }) => mount["readOnly"] === true))
    return {
      path: first.path,
      message: `the program takes its input away from files:${folder}, and cannot on a volume that is readOnly`,
    };
  const { name, mountPath, subPath, subPathExpr } = first.mount as Record<string, string>;
  return {
    ...{ name: name as string, mountPath: mountPath as string },
    ...(subPath !== undefined && { subPath }),
    ...(subPathExpr !== undefined && { subPathExpr }),
  };
}

/** Of several, the nearest above it. */
export function mountOf(container: Fields, folder: string): Fields | null {
  const above = list(container["volumeMounts"])
    .map(fields)
    .filter((mount) => within(folder, text(mount["mountPath"])));
  const lengthOf = (mount: Fields): number => String(mount["mountPath"]).replace(/\/+$/, "").length;
  return above.sort((one, other) => lengthOf(other) - lengthOf(one))[0] ?? null;
}

/** Where in its volume a container has a folder, without a slash at its end: the volume itself is "". */
export function placeInVolume(mount: Fields, folder: string = text(mount["mountPath"]) ?? ""): string {
  const within = folder.slice((text(mount["mountPath"]) ?? "").replace(/\/+$/, "").length);
  return posix
    .join("/", text(mount["subPathExpr"]) ?? text(mount["subPath"]) ?? "", within)
    .replace(/\/+$/, "");
}

const placeOf = ({ name, mountPath, subPath, subPathExpr }: Fields): string =>
  JSON.stringify([name, mountPath, subPath, subPathExpr]);

function mountsOf(containers: readonly Fields[]): string {
  const all = containers.flatMap((container) =>
    list(container["volumeMounts"]).map(
      (each) => `${String(container["name"])} ${String(fields(each)["mountPath"])}`,
    ),
  );
  return all.length === 0 ? "" : `; there are: ${all.join(", ")}`;
}
