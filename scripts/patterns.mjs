/** The pattern packages: those with a container's entry, `outrigger-NAME`. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { ROOT } from "./setup.mjs";

/** @returns {{ name: string, folder: string, manifest: { name: string, version: string, description: string, license: string }, bin: string }[]} */
export function patterns() {
  const all = readdirSync(join(ROOT, "packages")).sort();
  return all.flatMap((name) => {
    const folder = join(ROOT, "packages", name);
    const manifest = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
    const bin = manifest.bin?.[`outrigger-${name}`];
    return bin === undefined ? [] : [{ name, folder, manifest, bin: join(folder, bin) }];
  });
}
