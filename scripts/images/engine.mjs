/** What builds and runs images here: podman, buildah or docker, whichever is on PATH. argv, never a shell. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** In this order: podman runs what it built, and needs no daemon. */
export const ENGINES = ["podman", "buildah", "docker"];

/** @param {string} [wanted] one of ENGINES; default: the first that answers */
export function findEngine(wanted) {
  const found = (wanted === undefined ? ENGINES : [wanted]).find((name) => answers(name));
  if (found !== undefined) return new Engine(found);
  throw new Error(
    wanted === undefined
      ? `none of ${ENGINES.join(", ")} works here: install one (on Debian, as root: npm run setup:peers -- podman)`
      : `${wanted} does not work here: ${problemOf(wanted)}`,
  );
}

const answers = (name) => problemOf(name) === "";

function problemOf(name) {
  // `docker --version` answers without an engine; `docker info` fails then.
  const { status, error, stderr } = spawnSync(name, name === "docker" ? ["info"] : ["--version"], {
    encoding: "utf8",
  });
  if (error) return error.code === "ENOENT" ? "it is not on PATH" : error.message;
  return status === 0 ? "" : stderr.trim();
}

export class Engine {
  constructor(name) {
    this.name = name;
  }

  /** @throws Error with what the engine said */
  run(args, options = {}) {
    const { status, stdout, stderr, error } = spawnSync(this.name, args, {
      encoding: "utf8",
      maxBuffer: 64 * 1024 * 1024,
      ...options,
      env: { ...process.env, ...options.env },
    });
    if (error) throw new Error(`cannot start ${this.name}: ${error.message}`);
    if (status !== 0)
      throw new Error(`${this.name} ${args.join(" ")} failed (exit code ${status}):\n${stderr}${stdout}`);
    return stdout.trim();
  }

  /**
   * Builds a folder's Containerfile. Nothing in the image has a time of its own, so that the same files give the same digest.
   * @param base replaces BASE_IMAGE; then nothing is pulled
   */
  build(folder, tag, base) {
    const common = ["--tag", tag, "--file", join(folder, "Containerfile")];
    const baseArgument = base === undefined ? [] : ["--build-arg", `BASE_IMAGE=${base}`];
    if (this.name === "docker") {
      // Not rewrite-timestamp=true: where docker keeps images in containerd (Docker Desktop) buildkit refuses it.
      this.run(["buildx", "build", "--load", "--provenance=false", ...common, ...baseArgument, folder], {
        env: { SOURCE_DATE_EPOCH: "0" },
      });
      return;
    }
    const pull = base === undefined ? [] : ["--pull=never"];
    this.run([
      "build",
      "--format",
      "oci",
      "--timestamp",
      "0",
      "--layers=false",
      ...pull,
      ...common,
      ...baseArgument,
      folder,
    ]);
  }

  /** The image's digest and compressed layers (bytes each, the base's first), as a registry would have them. */
  inspect(tag) {
    const scratch = mkdtempSync(join(tmpdir(), "outrigger-image-"));
    try {
      if (this.name === "docker") return inspectDocker(this, tag, scratch);
      this.run(["push", "--quiet", tag, `oci:${scratch}:image`]);
      const blob = (digest) => JSON.parse(readFileSync(join(scratch, "blobs", ...digest.split(":")), "utf8"));
      const [{ digest }] = JSON.parse(readFileSync(join(scratch, "index.json"), "utf8")).manifests;
      const manifest = blob(digest);
      return { digest, layers: manifest.layers.map(({ size }) => size) };
    } finally {
      rmSync(scratch, { recursive: true, force: true });
    }
  }
}

function inspectDocker(engine, tag, scratch) {
  const [{ Id }] = JSON.parse(engine.run(["image", "inspect", tag]));
  const archive = join(scratch, "image.tar");
  engine.run(["save", "--output", archive, tag]);
  const untarred = spawnSync("tar", ["-xf", archive, "-C", scratch]);
  if (untarred.status !== 0) throw new Error(`cannot unpack what docker saved: ${untarred.stderr}`);
  const [{ Layers }] = JSON.parse(readFileSync(join(scratch, "manifest.json"), "utf8"));
  const layers = Layers.map((layer) => {
    const { stdout, status } = spawnSync("gzip", ["-6", "-c", join(scratch, layer)], { maxBuffer: 1 << 30 });
    if (status !== 0) throw new Error(`cannot compress ${layer}`);
    return stdout.length;
  });
  return { digest: Id, layers };
}
