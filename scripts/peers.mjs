/**
 * npm run setup:peers: installs, from Debian's packages as root, the servers and tools that tests and benches compare
 * with. Nothing of it is needed to run Outrigger.
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
  { command: "openssl", package: "openssl", for: "the tests of TLS" },
  { command: "curl", package: "curl", for: "tests with a client that is not ours" },
  { command: "ip", package: "iproute2", for: "pods with a network of their own" },
  {
    command: "unshare",
    package: "util-linux",
    for: "pods with a network of their own, and the tests of PID 1",
  },
];

/** Commands of Debian's servers live in folders that a user's PATH may lack. */
const PATH = [...(process.env.PATH ?? "").split(delimiter), "/usr/sbin", "/sbin"];

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

export const missingPeers = () => PEERS.filter(({ command }) => !isOnPath(command));

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const missing = missingPeers();
  if (missing.length === 0) {
    process.stdout.write(`all peers are there: ${PEERS.map(({ command }) => command).join(", ")}\n`);
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
  process.exit(ok && missingPeers().length === 0 ? 0 : 1);
}
