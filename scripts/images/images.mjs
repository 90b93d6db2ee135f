/** The images: one a pattern; and variants, which have a package more that the pattern's own goes without. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { patterns } from "../patterns.mjs";

/** `files`: those of the package's dist that its ES module reads. */
const VARIANTS = [
  {
    pattern: "work-queue",
    suffix: "embedded",
    about: "with a database of its own for embedded:DIR",
    packages: [
      {
        name: "@electric-sql/pglite",
        files: ["index.js", /^chunk-\w+\.js$/, "fs/nodefs.js", "pglite.wasm", "pglite.data", "initdb.wasm"],
      },
    ],
  },
];

/**
 * @returns {{ name: string, pattern: object, manifest: object, packages: { name: string, files: (string | RegExp)[] }[],
 *   containerfile: { file: string, read(): string } }[]} pattern: of patterns(); manifest: what the image says of itself
 */
export function images() {
  return patterns().flatMap((pattern) => [
    image(pattern, pattern.name, pattern.manifest, [], "Containerfile"),
    ...VARIANTS.filter((variant) => variant.pattern === pattern.name).map(({ suffix, about, packages }) => {
      const manifest = { ...pattern.manifest, description: `${pattern.manifest.description}, ${about}` };
      return image(pattern, `${pattern.name}-${suffix}`, manifest, packages, `Containerfile.${suffix}`);
    }),
  ]);
}

function image(pattern, name, manifest, packages, fileName) {
  const file = join(pattern.folder, fileName);
  return {
    name,
    pattern,
    manifest,
    packages,
    containerfile: { file, read: () => readFileSync(file, "utf8") },
  };
}
