/** The images: one a pattern; and variants, which have a package more that the pattern's own goes without. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { patterns } from "../patterns.mjs";

/**
 * Packages that stand beside a pattern's bundle in all its images, as they are. Of the board's page: what a board that only reads
 * asks for. Its editor, a third of it, opens where a job may be changed; and our words are English.
 */
const BESIDE = {
  "work-queue": [
    {
      name: "@bull-board/ui",
      files: [
        "index.ejs",
        /^static\/[^/]+\.(png|ico)$/,
        /^static\/(css|images)\/.+\.(css|svg)$/,
        /^static\/js\/(?!async\/w\.).+\.(js|txt)$/,
        "static/locales/en-US/messages.json",
      ],
    },
  ],
};

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
    image(pattern, pattern.name, pattern.manifest, BESIDE[pattern.name] ?? [], "Containerfile"),
    ...VARIANTS.filter((variant) => variant.pattern === pattern.name).map(({ suffix, about, packages }) => {
      const manifest = { ...pattern.manifest, description: `${pattern.manifest.description}, ${about}` };
      const all = [...(BESIDE[pattern.name] ?? []), ...packages];
      return image(pattern, `${pattern.name}-${suffix}`, manifest, all, `Containerfile.${suffix}`);
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
