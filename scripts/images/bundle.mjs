/**
 * A pattern as few files: main.ts with all that it imports at the start, a file for what it imports when it is used, the licences
 * of what is in them, and a list of their parts (CycloneDX). The same sources give the same bytes.
 */
import { build } from "esbuild";
import { cpSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { IMAGE_NODE } from "../node-binary.mjs";
import { ROOT } from "../setup.mjs";
import { fixStats } from "./file-stats.mjs";
import { mitLicence } from "./mit-licence.mjs";
import { leaveOut } from "./unused-parts.mjs";

/**
 * Node's modules, taken by a call. An `import` of node:http reads every export of it to make its namespace, and three of
 * them load undici when they are read: 25 ms and 5 MB of each start.
 */
const BUILTIN_MODULES = {
  name: "builtin-modules",
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^node:/ }, ({ path, kind }) =>
      kind === "import-statement" ? { path, namespace: "builtin" } : undefined,
    );
    onLoad({ filter: /./, namespace: "builtin" }, ({ path }) => ({
      contents: `module.exports = process.getBuiltinModule(${JSON.stringify(path)});`,
    }));
  },
};

/** Of these `default` is asked for; another package that is imported so would have no names where it is CommonJS. */
const IMPORTED_WHOLE = new Set(["http-proxy"]);

/** @throws where a module of ours takes names from an import() of a package: it has a module of ours between, which names them */
const NAMED_IMPORTS = {
  name: "named-imports",
  setup({ onResolve }) {
    onResolve({ filter: /^[^.]/ }, ({ path, kind, importer }) => {
      if (kind !== "dynamic-import" || !importer.startsWith(join(ROOT, "packages"))) return undefined;
      if (/^(node:|@outrigger\/)/.test(path)) return undefined;
      if (IMPORTED_WHOLE.has(path) || NOT_IN_IT.includes(path)) return undefined;
      return { errors: [{ text: `${path}: import() a module of ours that exports what is used of it` }] };
    });
  },
};

/**
 * PID 1 has no default actions: a SIGTERM that came while the modules below are evaluated would be lost, and the pod would
 * end by SIGKILL. The container's own handlers are further listeners: from then on these do nothing. In a file of its own: to
 * compile the others takes longer than to start Node.
 */
const ENTRY =
  'for(const s of["SIGTERM","SIGINT"])process.on(s,()=>{process.listenerCount(s)===1&&process.exit(0)});' +
  'process.on("SIGHUP",()=>{});await import("./pattern.mjs");\n';

/** Loaded where it is there: a database of 15 MB that one variant of an image has (images.mjs), and a driver that none has. */
const NOT_IN_IT = ["@electric-sql/pglite", "pg-native"];

/** Of packages that name MIT as their licence, and have its text in their repository alone: what their copyright line says. */
const AUTHORS = {
  "@bull-board/api": "2019 Vitor Capretz (capretzvitor@gmail.com)",
  "@bull-board/ui": "2019 Vitor Capretz (capretzvitor@gmail.com)",
};

/**
 * Writes /outrigger of the image below `rootfs`.
 * @param whole packages that stand beside the bundle as they are: their names, and which files of their dist
 * @returns {Promise<{ bytes: number, packages: { name: string, version: string }[] }>}
 */
export async function bundle(pattern, rootfs, whole = []) {
  const home = join(rootfs, "outrigger");
  mkdirSync(join(home, "dist"), { recursive: true });
  writeFileSync(join(home, "dist", "main.mjs"), ENTRY);
  const dist = join(home, "dist");
  const whenCalled = new Set();
  const metafiles = [
    await bundled({
      entryPoints: { pattern: join(pattern.folder, "dist", "main.js") },
      outdir: dist,
      outExtension: { ".js": ".mjs" },
      splitting: true,
      chunkNames: "[name]-[hash]",
      format: "esm",
      // Of each of them.
      banner: {
        js: 'const require=process.getBuiltinModule("node:module").createRequire(import.meta.url);',
      },
      plugins: [NAMED_IMPORTS, BUILTIN_MODULES, ...leaveOut(whenCalled)],
    }),
  ];
  for (const name of whenCalled)
    metafiles.push(
      await bundled({
        entryPoints: [name],
        outfile: join(dist, `${name}.cjs`),
        format: "cjs",
        conditions: ["require"],
      }),
    );
  for (const each of whole) copyPackage(each, join(home, "node_modules", each.name));
  const packages = partsOf([
    ...metafiles.flatMap(bundledFolders),
    ...whole.map(({ name }) => `node_modules/${name}`),
  ]);
  const { name, version, license } = pattern.manifest;
  writeFileSync(
    join(home, "package.json"),
    `${JSON.stringify({ name, version, license, type: "module" }, null, 2)}\n`,
  );
  writeFileSync(join(home, "LICENSE"), readFileSync(join(ROOT, "LICENSE"), "utf8"));
  writeFileSync(join(home, "THIRD-PARTY-LICENSES"), licences(packages));
  writeFileSync(
    join(home, "sbom.cdx.json"),
    `${JSON.stringify(billOfMaterials(pattern.manifest, packages), null, 2)}\n`,
  );
  fixStats(rootfs);
  const bytes = metafiles
    .flatMap(({ outputs }) => Object.values(outputs))
    .reduce((sum, output) => sum + output.bytes, 0);
  return { bytes, packages };
}

/** @returns what is in it, as esbuild tells it */
async function bundled(options) {
  const { metafile } = await build({
    absWorkingDir: ROOT,
    bundle: true,
    platform: "node",
    target: `node${IMAGE_NODE}`,
    // Names stay: a stack trace in a log must mean something.
    minifySyntax: true,
    minifyWhitespace: true,
    legalComments: "none",
    external: NOT_IN_IT,
    metafile: true,
    logLevel: "silent",
    ...options,
  });
  return metafile;
}

/** @throws where one of its files is not there: a newer version may have others */
function copyPackage({ name, files }, target) {
  const source = join(ROOT, "node_modules", name);
  const dist = readdirSync(join(source, "dist"), { recursive: true });
  const chosen = files.map((wanted) => {
    const found = dist.filter((file) => (wanted instanceof RegExp ? wanted.test(file) : wanted === file));
    if (found.length === 0) throw new Error(`${name} has no dist/${wanted}`);
    return found;
  });
  for (const file of ["package.json", ...chosen.flat().map((each) => join("dist", each))]) {
    mkdirSync(dirname(join(target, file)), { recursive: true });
    cpSync(join(source, file), join(target, file));
  }
}

/** The npm packages that have a byte in the bundle; our own are not among them. */
function bundledFolders({ outputs }) {
  const folders = new Set();
  for (const { inputs } of Object.values(outputs))
    for (const [file, { bytesInOutput }] of Object.entries(inputs)) {
      const match = /^(.*node_modules\/(?:@[^/]+\/)?[^/]+)\//.exec(file);
      if (match && bytesInOutput > 0) folders.add(match[1]);
    }
  return [...folders];
}

/** By name. */
function partsOf(folders) {
  const lock = JSON.parse(readFileSync(join(ROOT, "package-lock.json"), "utf8"));
  return folders
    .map((folder) => {
      const { name, version, license } = JSON.parse(readFileSync(join(ROOT, folder, "package.json"), "utf8"));
      return { name, version, license, folder, integrity: lock.packages[folder]?.integrity };
    })
    .sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : a.version < b.version ? -1 : 1));
}

/**
 * All texts that a package asks to be passed on: two licences have two, and Apache's has a NOTICE besides.
 * @throws where a package names no licence, or brings no text of it: it could not be passed on
 */
function licences(packages) {
  return packages
    .map(({ name, version, license, folder }) => {
      const author = license === "MIT" ? AUTHORS[name] : undefined;
      const texts = author === undefined ? licenceTexts(join(ROOT, folder)) : [mitLicence(author)];
      if (typeof license !== "string" || texts.length === 0)
        throw new Error(`${name} ${version} (${license}) brings no text of its licence`);
      const rule = "=".repeat(72);
      return `${rule}\n${name} ${version} (${license})\n${rule}\n\n${texts.join("\n\n")}\n`;
    })
    .join("\n");
}

function licenceTexts(folder) {
  const files = readdirSync(folder).sort();
  const read = (file) => readFileSync(join(folder, file), "utf8").trim();
  if (files.some((file) => /^(licen[cs]e|copying)/i.test(file)))
    return files.filter((file) => /^(licen[cs]e|copying|notice)/i.test(file)).map(read);
  // Some have it at the end of their README alone.
  const readme = files
    .filter((file) => /^readme/i.test(file))
    .map(read)
    .join("\n");
  const [text] = /^#+ *licen[cs]e\s[^]*permission is hereby granted[^]*$/im.exec(readme) ?? [];
  return text === undefined ? [] : [text];
}

/** CycloneDX 1.5. Without a serial number and a time: the same parts give the same bytes. */
function billOfMaterials({ name, version, license }, packages) {
  const component = (type, each) => ({
    type,
    "bom-ref": purl(each),
    name: each.name,
    version: each.version,
    purl: purl(each),
    licenses: [
      / (OR|AND) /.test(each.license) ? { expression: each.license } : { license: { id: each.license } },
    ],
    ...(each.integrity && { hashes: hashes(each.integrity) }),
  });
  return {
    bomFormat: "CycloneDX",
    specVersion: "1.5",
    version: 1,
    metadata: { component: component("application", { name, version, license }) },
    components: packages.map((each) => component("library", each)),
  };
}

const purl = ({ name, version }) => `pkg:npm/${name.replace("@", "%40")}@${version}`;

function hashes(integrity) {
  const [algorithm, digest] = integrity.split("-");
  return [{ alg: algorithm.replace("sha", "SHA-"), content: Buffer.from(digest, "base64").toString("hex") }];
}
