/**
 * subPaths of plain folders (emptyDir, or given by --volume): made before each start of a container where nothing is
 * there yet, as the kubelet does (an init container may have put a file there), and never followed out of the volume.
 */
import { existsSync, mkdirSync, realpathSync } from "node:fs";
import { sep } from "node:path";
import type { Mount } from "./mount-path.ts";

/** @returns why one of them cannot be used; null where all can */
export function makeSubPaths(mounts: readonly Mount[]): string | null {
  for (const { mountPath, folder, within } of mounts) {
    if (within === undefined) continue;
    const what = `the subPath mounted at ${mountPath}`;
    try {
      if (!existsSync(folder)) mkdirSync(folder, { recursive: true });
      const [inside, volume] = [realpathSync(folder), realpathSync(within)];
      if (inside !== volume && !inside.startsWith(`${volume}${sep}`))
        return `${what} leaves its volume by a symbolic link to ${inside}`;
    } catch (error) {
      const { code, message } = error as NodeJS.ErrnoException;
      return code === "ENOTDIR" || code === "EEXIST"
        ? `${what} cannot be made: a file stands where it needs a folder`
        : `${what} cannot be made: ${message}`;
    }
  }
  return null;
}
