/**
 * The modes and times that files have in an image, whatever umask, set-group-ID folder or default ACL they were written
 * under, and whenever.
 */
import { chmodSync, lstatSync, lutimesSync, readdirSync } from "node:fs";
import { join } from "node:path";

/**
 * Everybody reads; who could execute before, all may. Else the image's user, who owns nothing, could not start Node. All
 * are of 1970: docker, other than podman, copies times as they are.
 */
export function fixStats(folder) {
  chmodSync(folder, 0o755);
  for (const name of readdirSync(folder)) {
    const path = join(folder, name);
    const stat = lstatSync(path);
    if (stat.isDirectory()) fixStats(path);
    else if (stat.isFile()) chmodSync(path, (stat.mode & 0o111) === 0 ? 0o644 : 0o755);
    lutimesSync(path, 0, 0);
  }
  lutimesSync(folder, 0, 0);
}
