/**
 * Where the podman suite runs: mounts, processes and network of its own (Linux namespaces), with podman's folders empty.
 * podman works there as it does anywhere, with its default paths, and the machine's own images, pods, ports and firewall
 * rules are neither seen nor touched. With the last process everything is gone, also after kill -9.
 */
import { spawn, spawnSync } from "node:child_process";
import { mkdirSync, readdirSync, rmdirSync, rmSync, statSync, truncateSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";

/** Where podman keeps images and containers. */
const STORE = "/var/lib/containers";
const STORE_BYTES = 8 * 2 ** 30;
/**
 * Linux's default. A disk that reads 8 MiB ahead, as virtual ones are set at times, fills a small memory limit with pages
 * that nobody asked for, and a container then reads the same ones again and again.
 */
const READ_AHEAD_KB = "128";

/** What podman and its helpers keep besides. */
const FOLDERS = [
  "/run/containers",
  "/run/libpod",
  "/run/netns",
  "/run/runc",
  "/etc/containers/networks",
  "/dev/shm",
];

/** No systemd and no journal are needed; the limits of open files and processes are within what a machine allows. */
const CONTAINERS_CONF = `[containers]
default_ulimits = ["nofile=16384:16384", "nproc=4096:4096"]
[engine]
cgroup_manager = "cgroupfs"
events_logger = "file"
runtime = "runc"
[network]
network_backend = "netavark"
`;
export const CONF_FILE = "/run/containers/containers.conf";

/**
 * Starts Node with a script in mounts and processes of its own, which end with ours. catatonit collects the children that
 * podman leaves.
 */
export function startInside(script, args) {
  const unshare = ["unshare", "--mount", "--pid", "--fork", "--kill-child=SIGKILL", "--mount-proc"];
  const inside = ["catatonit", "--", process.execPath, script, ...args];
  return spawn("setpriv", ["--pdeathsig", "KILL", ...unshare, ...inside], { stdio: "inherit" });
}

/** The same, from inside, in a network of its own. */
export function startWithOwnNetwork(script, args) {
  return spawn("unshare", ["--net", process.execPath, script, ...args], { stdio: "inherit" });
}

/** Empties podman's folders for whoever is in these namespaces. Sets this process's environment. */
export function furnish(store) {
  mkdirSync(STORE, { recursive: true });
  try {
    mountStore(store);
  } catch (error) {
    process.stdout.write(
      `no file system of its own (${error.message}): the disk's read-ahead counts as memory\n`,
    );
    must("mount", ["--bind", store, STORE]);
  }
  for (const folder of FOLDERS) {
    mkdirSync(folder, { recursive: true });
    must("mount", ["-t", "tmpfs", "tmpfs", folder]);
  }
  writeFileSync(CONF_FILE, CONTAINERS_CONF);
  process.env.CONTAINERS_CONF = CONF_FILE;
}

/** A file system of its own in a sparse file, which is gone with its last mount. */
function mountStore(folder) {
  const file = join(folder, "store");
  writeFileSync(file, "");
  truncateSync(file, STORE_BYTES);
  must("mkfs.ext4", ["-q", file]);
  const device = must("losetup", ["--find", "--show", "--direct-io=on", file]);
  try {
    writeFileSync(join("/sys/block", basename(device), "queue", "read_ahead_kb"), READ_AHEAD_KB);
    must("mount", ["-o", "noatime", device, STORE]);
  } finally {
    // Now, if it is mounted, with its last mount.
    must("losetup", ["--detach", device]);
  }
  rmSync(folder, { recursive: true });
}

export function furnishNetwork() {
  must("ip", ["link", "set", "lo", "up"]);
}

function must(command, args) {
  const { status, stdout, stderr, error } = spawnSync(command, args, { encoding: "utf8" });
  if (status !== 0)
    throw new Error(`${command} ${args.join(" ")} failed: ${error?.message ?? stderr.trim()}`);
  return stdout.trim();
}

const CGROUPS = "/sys/fs/cgroup";

/** The cgroups of podman's pods that there are now; they are the one thing that no namespace takes away. */
export function podCgroups() {
  const found = new Set();
  for (const parent of [CGROUPS, ...entries(CGROUPS).map((name) => join(CGROUPS, name))]) {
    const pods = join(parent, "libpod_parent");
    for (const name of entries(pods)) if (/^[0-9a-f]{64}$/.test(name)) found.add(join(pods, name));
  }
  return found;
}

/** Removes those that came since and have no process. */
export function removeCgroupsSince(before) {
  for (const pod of podCgroups()) {
    if (before.has(pod)) continue;
    for (const folder of [...entries(pod).map((name) => join(pod, name)), pod]) {
      try {
        if (statSync(folder).isDirectory()) rmdirSync(folder);
      } catch {
        // It has processes: another podman's.
      }
    }
  }
}

function entries(folder) {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}
