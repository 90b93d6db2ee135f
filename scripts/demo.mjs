/** npm run demo [-- NAME] [flags of outrigger run]: sets a fresh clone up and runs an example's pod on this machine. */
import { spawn } from "node:child_process";
import { existsSync, readdirSync } from "node:fs";
import { join, relative } from "node:path";
import { requireNode, ROOT, setup } from "./setup.mjs";

requireNode();
const DEFAULT = "ambassador-http";
const words = process.argv.slice(2);
const named = words.length > 0 && !words[0].startsWith("-");
const name = named ? words.shift() : DEFAULT;

if (words.includes("--help") || words.includes("-h")) {
  process.stdout.write(
    `npm run demo [-- NAME] [--for 10s] [--view screen|log]\n\nExamples: ${examples().join(", ")} (default ${DEFAULT})\n` +
      "The flags are those of outrigger run: npx outrigger run --help\n",
  );
  process.exit(0);
}
if (!examples().includes(name)) {
  process.stderr.write(`there is no example ${JSON.stringify(name)}; there are: ${examples().join(", ")}\n`);
  process.exit(2);
}
try {
  await setup();
} catch (error) {
  process.stderr.write(`${error.message}\n`);
  process.exit(1);
}

const manifest = relative(process.cwd(), join(ROOT, "examples", name, "pod.yaml"));
const bin = join(ROOT, "packages", "cli", "bin", "outrigger.js");
const child = spawn(process.execPath, [bin, "run", manifest, ...words], { stdio: "inherit" });
// A terminal's Ctrl-C reaches the run by itself, so it is not passed on: a second one means "at once".
process.on("SIGINT", () => {});
for (const signal of ["SIGTERM", "SIGHUP"]) process.on(signal, () => child.kill(signal));
child.on("error", (error) => {
  process.stderr.write(`cannot start outrigger run: ${error.message}\n`);
  process.exit(1);
});
child.on("exit", (code, signal) => process.exit(signal ? 1 : (code ?? 1)));

function examples() {
  return readdirSync(join(ROOT, "examples")).filter((each) =>
    existsSync(join(ROOT, "examples", each, "pod.yaml")),
  );
}
