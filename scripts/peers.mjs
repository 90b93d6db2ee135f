/**
 * npm run setup:peers [-- podman]: installs, from Debian's packages as root, the servers and tools that tests and benches
 * compare with, or podman and what it needs. Nothing of it is needed to run Outrigger.
 */
import { spawnSync } from "node:child_process";
import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";

/** What is used, and for what. */
export const PEERS = [
  { command: "nginx", package: "nginx-light", for: "the HTTP bench, and the backends of benches" },
  { command: "haproxy", package: "haproxy", for: "the HTTP bench" },
  { command: "wrk", package: "wrk", for: "the load of benches" },
  { command: "promtool", package: "prometheus", for: "the tests of /metrics" },
  { command: "redis-server", package: "redis-server", for: "the tests of leases and queues in Redis" },
  { command: "pg_lsclusters", package: "postgresql", for: "the tests of queues in Postgres" },
  { command: "openssl", package: "openssl", for: "the tests of TLS" },
  { command: "curl", package: "curl", for: "tests with a client that is not ours" },
  { command: "ip", package: "iproute2", for: "pods with a network of their own" },
  {
    command: "unshare",
    package: "util-linux",
    for: "pods with a network of their own, and the tests of PID 1",
  },
];

/** What builds images and runs pods of them. podman's helpers stand outside of PATH on Debian. */
export const PODMAN = [
  { command: "podman", package: "podman", for: "images and pods" },
  { command: "runc", package: "runc", for: "podman's containers" },
  { command: "netavark", package: "netavark", for: "podman's networks" },
  { command: "aardvark-dns", package: "aardvark-dns", for: "names in podman's networks" },
  { command: "catatonit", package: "catatonit", for: "podman's pods" },
  { command: "iptables", package: "iptables", for: "published ports" },
  { command: "strip", package: "binutils", for: "the base image that is made here" },
];

/** Commands of Debian's servers live in folders that a user's PATH may lack. */
const PATH = [...(process.env.PATH ?? "").split(delimiter), "/usr/sbin", "/sbin", "/usr/lib/podman"];

export function isOnPath(command) {
  return PATH.some((folder) => {
    try {
      accessSync(join(folder, command), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

export const missingPeers = (peers = PEERS) => peers.filter(({ command }) => !isOnPath(command));

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const peers = process.argv.includes("podman") ? PODMAN : PEERS;
  const missing = missingPeers(peers);
  if (missing.length === 0) {
    process.stdout.write(`all are there: ${peers.map(({ command }) => command).join(", ")}\n`);
    process.exit(0);
  }
  if (process.getuid?.() !== 0 || !isOnPath("apt-get")) {
    process.stderr.write(
      `missing: ${missing.map((peer) => `${peer.command} (${peer.for})`).join(", ")}\n` +
        `This installs them with apt-get, which needs root on Debian. Elsewhere, install yourself: ${missing.map((peer) => peer.package).join(" ")}\n`,
    );
    process.exit(1);
  }
  process.stdout.write(`installing ${missing.map((peer) => peer.package).join(" ")}\n`);
  const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive" };
  const apt = (...words) =>
    spawnSync("apt-get", words, { stdio: ["ignore", "inherit", "inherit"], env }).status === 0;
  // The services of these packages must not start: a test starts what it needs, on ports of its own.
  const install = () =>
    apt(
      "install",
      "-y",
      "--no-install-recommends",
      "-o",
      "Dpkg::Options::=--force-confold",
      ...missing.map((peer) => peer.package),
    );
  const ok = install() || (apt("update") && install());
  process.exit(ok && missingPeers(peers).length === 0 ? 0 : 1);
}
