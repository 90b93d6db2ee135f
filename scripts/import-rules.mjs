/**
 * What a rule about specifiers cannot say, because it is about where they lead: a relative import stays within its
 * package, nobody reaches into another one's src or dist, and a container's entry (main.ts) is imported by nobody.
 */
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative, resolve, sep } from "node:path";

/** `from "x"`, `import "x"`, `import("x")`, `require("x")`; a specifier that is computed is not seen. */
const SPECIFIER = /\b(?:from|import|require)\s*\(?\s*["']([^"'\n]+)["']/g;

/**
 * @param {string} root the repository's
 * @returns {string[]} a sentence each
 */
export function importProblems(root) {
  const problems = [];
  const packages = join(root, "packages");
  for (const name of readdirSync(packages)) {
    const home = join(packages, name);
    for (const file of typescript(join(home, "src"))) {
      for (const [, specifier] of readFileSync(file, "utf8").matchAll(SPECIFIER)) {
        const problem = problemOf(specifier, file, home);
        if (problem !== null) problems.push(`${relative(root, file)} imports ${specifier}: ${problem}`);
      }
    }
  }
  return problems;
}

function problemOf(specifier, file, home) {
  if (/^@outrigger\/[^/]+\/(src|dist)\//.test(specifier))
    return "another package is what it exports, not its files";
  if (!specifier.startsWith(".")) return null;
  const target = resolve(dirname(file), specifier);
  if (!target.startsWith(home + sep))
    return "a relative import stays in its package; others are imported by name, @outrigger/NAME";
  if (/^main\.[jt]s$/.test(relative(join(home, "src"), target)))
    return "main.ts is the container's entry: nobody imports it";
  return null;
}

function* typescript(folder) {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) yield* typescript(path);
    else if (path.endsWith(".ts")) yield path;
  }
}
