/** Which test files there are, as an explicit list: a runner that is given a folder can report success having run nothing. */
import { existsSync, readdirSync } from "node:fs";
import { join, relative } from "node:path";
import { ROOT } from "./setup.mjs";

/**
 * The compiled test files, in order.
 * @param {(source: string) => boolean} [wanted] given the source's path from the root
 * @returns {{ source: string, compiled: string }[]}
 * @throws when a test's source has no compiled file: it would be left out in silence
 */
export function testFiles(wanted = () => true) {
  const packages = readdirSync(join(ROOT, "packages")).map((name) => ["packages", name, "src", "dist"]);
  const found = [];
  for (const [parent, name, from, to] of [...packages, ["", "test", "", "dist"]]) {
    const base = join(ROOT, parent, name, from);
    for (const file of walk(base)) {
      if (!file.endsWith(".test.ts")) continue;
      const source = relative(ROOT, file);
      const compiled = join(ROOT, parent, name, to, relative(base, file)).replace(/\.ts$/, ".js");
      if (!existsSync(compiled)) throw new Error(`${source} has not been compiled: run npm run build`);
      if (wanted(source)) found.push({ source, compiled });
    }
  }
  return found.sort((a, b) => a.source.localeCompare(b.source));
}

function* walk(folder) {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    if (entry.name === "dist" || entry.name === "node_modules") continue;
    const path = join(folder, entry.name);
    if (entry.isDirectory()) yield* walk(path);
    else yield path;
  }
}
