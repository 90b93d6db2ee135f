/** Debian's packages as files: fetched by apt-get, unpacked by dpkg-deb, nothing of them is run. */
import { spawnSync } from "node:child_process";
import { existsSync, lstatSync, mkdtempSync, readdirSync, readlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";

/**
 * Fetches and unpacks packages into one new folder, which the caller removes.
 * @param {string[]} packages
 * @returns {{ folder: string, versions: string, control: Map<string, string> }} versions: NAME_VERSION_ARCHITECTURE, a
 *   line each; control: each package's control file, by its name
 */
export function unpackDebian(packages) {
  const folder = mkdtempSync(join(tmpdir(), "outrigger-base-"));
  const unpack = (names) => {
    const there = new Set(readdirSync(folder));
    tool("apt-get", ["download", ...names], "apt", { cwd: folder });
    const archives = readdirSync(folder).filter((name) => name.endsWith(".deb") && !there.has(name));
    for (const archive of archives) tool("dpkg-deb", ["-x", archive, "."], "dpkg", { cwd: folder });
  };
  unpack(packages);
  // Some packages keep their licence in another's folder (gcc-12-base), to which theirs is a link.
  const elsewhere = packages
    .map((name) => join(folder, "usr/share/doc", name))
    .filter((doc) => lstatSync(doc).isSymbolicLink() && !existsSync(doc))
    .map((doc) => readlinkSync(doc));
  if (elsewhere.length > 0) unpack([...new Set(elsewhere)]);
  const versions = readdirSync(folder)
    .filter((name) => name.endsWith(".deb"))
    .sort()
    .map((name) => `${decodeURIComponent(name.slice(0, -".deb".length))}\n`)
    .join("");
  const control = new Map();
  for (const name of readdirSync(folder).filter((entry) => entry.endsWith(".deb")))
    control.set(name.split("_")[0], tool("dpkg-deb", ["-f", join(folder, name)], "dpkg"));
  return { folder, versions, control };
}

/**
 * Runs a program of Debian.
 * @returns what it wrote to stdout
 * @throws where it is not there or fails, with what it said
 */
export function tool(command, args, debianPackage, options = {}) {
  const { status, stdout, stderr, error } = spawnSync(command, args, { encoding: "utf8", ...options });
  if (error) throw new Error(`cannot start ${command} (Debian's ${debianPackage} has it): ${error.message}`);
  if (status !== 0)
    throw new Error(`${command} ${args.map((word) => basename(word)).join(" ")} failed:\n${stderr}`);
  return stdout;
}
