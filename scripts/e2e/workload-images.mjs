/**
 * The images of the suite's workloads, made without a registry under the names that pages use: Debian's nginx,
 * Python, Redis and shell, and npm's Node. Who has a registry runs the same pages with the images from there.
 */
import { cpSync, lstatSync, mkdirSync, readdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { unpackDebian } from "../images/debian.mjs";

const USERS = {
  "etc/passwd": "root:x:0:0:root:/root:/sbin/nologin\nwww-data:x:33:33:www-data:/var/www:/sbin/nologin\n",
  "etc/group": "root:x:0:\nwww-data:x:33:\n",
};

const WORKLOADS = [
  {
    tag: "docker.io/library/nginx:1.22",
    packages: ["nginx", "nginx-common", "libpcre2-8-0", "libssl3", "zlib1g", "libcrypt1"],
    files: { ...USERS, "var/lib/nginx/.keep": "", "var/log/nginx/.keep": "", "run/.keep": "" },
    // The image of the registry listens by what stands in conf.d alone.
    without: ["etc/nginx/sites-enabled"],
    command: `ENTRYPOINT []\nSTOPSIGNAL SIGQUIT\nCMD ["nginx", "-g", "daemon off;"]`,
  },
  {
    tag: "docker.io/library/python:3.11-slim",
    packages: [
      "python3.11-minimal",
      "libpython3.11-minimal",
      "libpython3.11-stdlib",
      "libexpat1",
      "libffi8",
      "libssl3",
      "zlib1g",
    ],
    files: USERS,
    rename: { "usr/bin/python3.11": "usr/bin/python3" },
    command: `ENTRYPOINT []\nCMD ["python3"]`,
  },
  {
    tag: "docker.io/library/redis:7",
    packages: [
      "redis-server",
      "redis-tools",
      "libatomic1",
      "libcap2",
      "libgcrypt20",
      "libgpg-error0",
      "libjemalloc2",
      "liblz4-1",
      "liblzf1",
      "liblzma5",
      "libssl3",
      "libsystemd0",
      "libzstd1",
    ],
    files: { ...USERS, "data/.keep": "" },
    command: `ENTRYPOINT []\nCMD ["redis-server"]`,
  },
  {
    tag: "docker.io/library/debian:12-slim",
    packages: ["dash", "coreutils", "mawk", "libacl1", "libattr1", "libgmp10", "libpcre2-8-0", "libselinux1"],
    files: USERS,
    rename: { "usr/bin/mawk": "usr/bin/awk" },
    command: `ENTRYPOINT []\nCMD ["sh"]`,
  },
  { tag: "docker.io/library/node:24-slim", packages: [], files: USERS, command: "ENTRYPOINT []" },
];

/**
 * @param engine of scripts/images/engine.mjs
 * @param {string} base the local base image, which has the C library
 * @param {string} out a folder for what goes into them
 * @param {(tag: string) => void} say called before each
 */
export function buildWorkloadImages(engine, base, out, say) {
  for (const { tag, packages, files, without = [], rename = {}, command } of WORKLOADS) {
    say(tag);
    const context = join(out, tag.split("/").at(-1).split(":")[0]);
    const rootfs = join(context, "rootfs");
    rmSync(context, { recursive: true, force: true });
    mkdirSync(rootfs, { recursive: true });
    if (packages.length > 0) takePackages(packages, rootfs);
    for (const path of without) rmSync(join(rootfs, path), { recursive: true, force: true });
    for (const [from, to] of Object.entries(rename)) renameSync(join(rootfs, from), join(rootfs, to));
    for (const [path, text] of Object.entries(files)) {
      mkdirSync(join(rootfs, path, ".."), { recursive: true });
      writeFileSync(join(rootfs, path), text);
    }
    writeFileSync(
      join(context, "Containerfile"),
      `ARG BASE_IMAGE\nFROM \${BASE_IMAGE}\nCOPY rootfs/ /\nUSER 0:0\nENV PATH=/nodejs/bin:/usr/sbin:/usr/bin:/sbin:/bin\n${command}\n`,
    );
    engine.build(context, tag, base);
  }
}

/** Their files, but for documentation: it is of no use to a test. */
function takePackages(packages, rootfs) {
  const { folder } = unpackDebian(packages);
  try {
    for (const name of readdirSync(folder).filter((entry) => lstatSync(join(folder, entry)).isDirectory()))
      cpSync(join(folder, name), join(rootfs, name), { recursive: true, verbatimSymlinks: true });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  rmSync(join(rootfs, "usr/share/doc"), { recursive: true, force: true });
}
