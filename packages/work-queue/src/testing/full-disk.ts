/** A small disk of its own, where this user may mount one: what is full is so at once, and of nobody else. */
import { spawnSync } from "node:child_process";

const mounted = (path: string, size: string): boolean =>
  spawnSync("mount", ["-t", "tmpfs", "-o", `size=${size}`, "tmpfs", path]).status === 0;

/** @returns how it is taken away; null: this user may not */
export function smallDisk(path: string, size: string): (() => void) | null {
  if (!mounted(path, size)) return null;
  return () => void spawnSync("umount", ["-l", path]);
}
