/**
 * npm run images [-- --local-base] [--report] [--engine podman|buildah|docker] [--prefix PREFIX] [NAME ...]: builds the
 * images, tagged PREFIX/NAME:VERSION.
 */
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { PUBLIC_BASE } from "./images/containerfile.mjs";
import { images } from "./images/images.mjs";
import { IMAGE_NODE_VERSION } from "./node-binary.mjs";
import { requireNode, ROOT, setup } from "./setup.mjs";

requireNode();
const MANUAL = `usage: npm run images [-- [flags] [NAME ...]]

  --local-base       make the base image from Debian's packages and npm's Node instead of pulling one
                     (${PUBLIC_BASE})
  --report           measure each image and write the table of packages/NAME/README.md
  --engine NAME      podman, buildah or docker; default: the first that works here
  --prefix PREFIX    of the tags; default: localhost/outrigger
`;
let words;
try {
  words = parseArgs({
    allowPositionals: true,
    options: {
      "local-base": { type: "boolean", default: false },
      report: { type: "boolean", default: false },
      engine: { type: "string" },
      prefix: { type: "string", default: "localhost/outrigger" },
      help: { type: "boolean", default: false },
    },
  });
} catch (error) {
  fail(`${error.message}\n${MANUAL}`, 2);
}
const { "local-base": localBase, report, engine: engineName, prefix, help } = words.values;
if (help) {
  process.stdout.write(MANUAL);
  process.exit(0);
}
const all = images();
const unknown = words.positionals.filter((name) => !all.some((image) => image.name === name));
if (unknown.length > 0)
  fail(`there is no image ${unknown.join(", ")}; there are: ${all.map(({ name }) => name).join(", ")}`, 2);

try {
  await setup();
  // What these import is there only now.
  const { bundle } = await import("./images/bundle.mjs");
  const { findEngine } = await import("./images/engine.mjs");
  const engine = findEngine(engineName);
  const out = join(ROOT, ".cache", "images");
  let base;
  if (localBase) {
    const { buildLocalBase } = await import("./images/local-base.mjs");
    // Whatever the prefix: a base's name stands in the images that are made from it, and in their digests.
    base = `localhost/outrigger/base:node${IMAGE_NODE_VERSION}`;
    await step(base, async () => buildLocalBase(engine, base, join(out, "base")));
  }
  const wanted = all.filter(({ name }) => words.positionals.length === 0 || words.positionals.includes(name));
  const built = [];
  for (const image of wanted) {
    const tag = `${prefix}/${image.name}:${image.manifest.version}`;
    await step(tag, async () => {
      const context = join(out, image.name);
      rmSync(context, { recursive: true, force: true });
      mkdirSync(context, { recursive: true });
      await bundle(image.pattern, join(context, "rootfs"), image.packages);
      writeFileSync(join(context, "Containerfile"), image.containerfile.read());
      engine.build(context, tag, base);
    });
    built.push({ image, tag });
  }
  if (report) {
    const { writeReport } = await import("./images/report.mjs");
    await writeReport(engine, built, base);
  }
} catch (error) {
  fail(error.message, 1);
}

async function step(name, work) {
  const began = Date.now();
  process.stdout.write(`${name} ...`);
  try {
    await work();
  } catch (error) {
    process.stdout.write(" failed\n");
    throw error;
  }
  process.stdout.write(` built (${((Date.now() - began) / 1000).toFixed(1)} s)\n`);
}

function fail(message, code) {
  process.stderr.write(`${message.trimEnd()}\n`);
  process.exit(code);
}
