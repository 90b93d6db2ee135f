/** Makes a fresh clone ready: dependencies as the lock file has them, and a build. Skips what is done already. */
import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

export const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));
const STAMP = join(ROOT, "node_modules", ".outrigger-lock");
const OLDEST_NODE = [20, 19];

/** Ends the process with a sentence where this Node is too old. Plain syntax only: an old Node must get so far. */
export function requireNode() {
  const [major, minor] = process.versions.node.split(".").map(Number);
  if (major > OLDEST_NODE[0] || (major === OLDEST_NODE[0] && minor >= OLDEST_NODE[1])) return;
  process.stderr.write(
    `This needs Node ${OLDEST_NODE.join(".")} or newer; this is Node ${process.versions.node} (${process.execPath}). ` +
      "Get one from https://nodejs.org, or with your version manager: nvm install 24\n",
  );
  process.exit(1);
}

/**
 * Installs and builds where that is needed.
 * @param {{ quiet?: boolean }} [options] quiet: says nothing while all goes well
 */
export async function setup({ quiet = false } = {}) {
  const say = quiet ? () => {} : (text) => process.stderr.write(text);
  const lock = createHash("sha256")
    .update(readFileSync(join(ROOT, "package-lock.json")))
    .digest("hex");
  const stamp = existsSync(STAMP) ? readFileSync(STAMP, "utf8") : "";
  if (stamp !== lock) {
    await install(
      say,
      stamp === "" ? "installing dependencies" : "installing dependencies (the lock file has changed)",
    );
    writeFileSync(STAMP, lock);
  }
  const tsc = join(ROOT, "node_modules", "typescript", "bin", "tsc");
  await step(say, "building", process.execPath, [tsc, "-b"]);
}

async function install(say, name) {
  const flags = ["--no-audit", "--no-fund"];
  try {
    await step(say, name, npm(), [...npmScript(), "ci", ...flags]);
  } catch (error) {
    // npm writes no lock entry for an optional binding of another platform that its registry did not have, and then
    // `npm ci` calls the lock out of date. `install --no-save` takes the locked versions all the same and writes nothing.
    if (!/ code EUSAGE/.test(error.message)) throw error;
    await step(say, `${name} (again, without npm ci)`, npm(), [
      ...npmScript(),
      "install",
      "--no-save",
      ...flags,
    ]);
  }
}

/** The npm that runs us, where one does; else the one on PATH. */
const npm = () => (process.env.npm_execpath?.endsWith(".js") ? process.execPath : "npm");
const npmScript = () => (process.env.npm_execpath?.endsWith(".js") ? [process.env.npm_execpath] : []);

function step(say, name, command, args) {
  const began = Date.now();
  say(`${name} ...`);
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { cwd: ROOT, stdio: ["ignore", "pipe", "pipe"] });
    let output = "";
    child.stdout.on("data", (chunk) => (output += chunk));
    child.stderr.on("data", (chunk) => (output += chunk));
    child.on("error", (error) => reject(new Error(`${name}: cannot start ${command}: ${error.message}`)));
    child.on("close", (code) => {
      if (code === 0) {
        say(` done (${((Date.now() - began) / 1000).toFixed(1)} s)\n`);
        resolve();
        return;
      }
      say(" failed\n");
      reject(new Error(`${name} failed (${[command, ...args].join(" ")}, exit code ${code}):\n${output}`));
    });
  });
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  requireNode();
  try {
    await setup({ quiet: process.argv.includes("--quiet") });
  } catch (error) {
    process.stderr.write(`${error.message}\n`);
    process.exit(1);
  }
}
