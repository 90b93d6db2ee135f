/**
 * npm run generate: writes what is derived from the code: each pattern's schema.json, the table of keys in its README; of cli the
 * table of findings, and FIELDS.md.
 * `--check` writes nothing and fails where a file is not what would be written.
 */
import { spawnSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join, relative } from "node:path";
import { containerfile } from "./images/containerfile.mjs";
import { images } from "./images/images.mjs";
import { patterns } from "./patterns.mjs";
import { ROOT } from "./setup.mjs";

/** The part of each pattern's schema that is the table of its README. */
const TABLE = {
  ambassador: ({ routes }) => routes.items,
  "leader-elector": ({ elections, http }) => ({ properties: { ...elections.items.properties, http } }),
  // The container's own keys follow its own.
  "work-queue": (properties) => {
    const own = Object.entries(properties).slice(0, Object.keys(properties).indexOf("probe"));
    return { properties: Object.fromEntries(own) };
  },
};
const check = process.argv.includes("--check");
const stale = [];

for (const { name, folder, bin } of patterns()) {
  const printed = spawnSync(process.execPath, [bin, "--print-schema"], { encoding: "utf8" });
  if (printed.status !== 0) throw new Error(`outrigger-${name} --print-schema failed:\n${printed.stderr}`);
  put(join(folder, "schema.json"), printed.stdout);
  const { properties } = JSON.parse(printed.stdout);
  for (const image of images().filter(({ pattern }) => pattern.name === name))
    put(image.containerfile.file, containerfile({ ...image, probePort: properties.probe.default }));
  const table = keyTable(TABLE[name](properties));
  const readme = join(folder, "README.md");
  const text = readFileSync(readme, "utf8");
  put(
    readme,
    text.replace(
      /(<!-- config:begin -->\n)[^]*?(<!-- config:end -->)/,
      (_all, begin, end) => `${begin}${table}\n${end}`,
    ),
  );
}
const cli = join(ROOT, "packages", "cli");
const { withFindings } = await import(join(cli, "dist", "check", "findings.js"));
const { fieldsDocument } = await import(join(cli, "dist", "manifest", "fields-document.js"));
put(join(cli, "README.md"), withFindings(readFileSync(join(cli, "README.md"), "utf8")));
put(join(cli, "FIELDS.md"), fieldsDocument());
if (stale.length > 0) {
  process.stderr.write(
    `not up to date: ${stale.join(", ")}; npm run generate writes ${stale.length === 1 ? "it" : "them"}\n`,
  );
  process.exit(1);
}

function put(file, text) {
  let old = "";
  try {
    old = readFileSync(file, "utf8");
  } catch {
    // It is written for the first time.
  }
  if (old === text) return;
  if (check) stale.push(relative(ROOT, file));
  else writeFileSync(file, text);
}

/** One row a key, nested ones with dots. */
function keyTable(schema, prefix = "") {
  const rows = [];
  for (const [key, value] of Object.entries(schema.properties)) {
    if (value.properties) {
      rows.push(...keyTable(value, `${prefix}${key}.`).split("\n").slice(2));
      continue;
    }
    const fallback =
      value.default === undefined
        ? ""
        : `\`${Array.isArray(value.default) ? value.default.join(",") : value.default}\``;
    rows.push(
      `| \`${prefix}${key}\` | ${fallback === "``" ? "" : fallback} | ${(value.description ?? "").replaceAll("|", "\\|")} |`,
    );
  }
  return ["| key | default | |", "|---|---|---|", ...rows].join("\n");
}
