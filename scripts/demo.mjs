/** npm run demo [-- NAME|FILE] [flags of outrigger run]: sets a fresh clone up and runs an example's pod on this machine. */
import { existsSync, readdirSync } from "node:fs";
import { join, relative } from "node:path";
import { pathToFileURL } from "node:url";
import { requireNode, ROOT, setup } from "./setup.mjs";

requireNode();
const DEFAULT = "ambassador-http";
const words = process.argv.slice(2);
const named = words.length > 0 && !words[0].startsWith("-");
const name = named ? words.shift() : DEFAULT;

if (words.includes("--help") || words.includes("-h")) {
  process.stdout.write(
    `npm run demo [-- NAME|FILE] [--for 10s] [--view screen|log]\n\nExamples: ${examples().join(", ")} (default ${DEFAULT}); or a manifest of your own, FILE.yaml\n` +
      "The flags are those of outrigger run: npx outrigger run --help\n",
  );
  process.exit(0);
}
const isFile = /\.ya?ml$/.test(name);
if (!isFile && !examples().includes(name)) {
  process.stderr.write(
    `there is no example ${JSON.stringify(name)}; there are: ${examples().join(", ")}; or give a manifest, FILE.yaml\n`,
  );
  process.exit(2);
}
try {
  await setup();
} catch (error) {
  process.stderr.write(`${error.message}\n`);
  process.exit(1);
}

const manifest = isFile ? name : relative(process.cwd(), join(ROOT, "examples", name, "pod.yaml"));
const bin = join(ROOT, "packages", "cli", "bin", "outrigger.js");
// The run is this very process: a signal to it or to its group arrives as it would without us, the terminal is its own,
// and a kill -9 leaves to its watchdog what is left.
process.argv = [process.execPath, bin, "run", manifest, ...words];
await import(pathToFileURL(bin).href);

function examples() {
  return readdirSync(join(ROOT, "examples")).filter((each) =>
    existsSync(join(ROOT, "examples", each, "pod.yaml")),
  );
}
