/** A small disk of its own for as long as something is done, where this user may mount one. */
import { spawnSync } from "node:child_process";
const run = (command, ...words) => spawnSync(command, words).status === 0;
/** @returns false: this user may not mount one, and nothing was done */
export async function onSmallDisk(path, size, work) {
    if (!run("mount", "-t", "tmpfs", "-o", `size=${size}`, "tmpfs", path))
        return false;
    try {
        await work();
    }
    finally {
        run("umount", "-l", path);
    }
    return true;
}
//# sourceMappingURL=full-disk.js.map