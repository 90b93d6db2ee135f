/** Reads the manifest files of a run and works out what it would start; what --check prints of that. */
import { isUtf8 } from "node:buffer";
import { closeSync, openSync, readSync, statSync } from "node:fs";
import { resolve } from "node:path";
import { OutriggerError } from "@outrigger/core";
import type { RunOptions } from "./run-options.ts";
import { usageError } from "./flag-words.ts";
import { listing, type Problem } from "./manifest/document.ts";
import { loadManifest, ManifestError, type Manifest, type ManifestText } from "./manifest/load.ts";
import { imageNames } from "./pod/image.ts";
import { INSIDE } from "./pod/own-network.ts";
import { planPod } from "./pod/plan-pod.ts";
import type { PodPlan } from "./pod/plan.ts";

/** What a run starts, worked out and checked. */
export interface Prepared {
  readonly manifest: Manifest;
  readonly plans: readonly PodPlan[];
}

/** Far beyond any manifest (a cluster takes 1.5 MB an object), and soon read. */
const LARGEST_MANIFEST = 16 * 1024 * 1024;

/** Reads no further than the bound: /dev/zero has no end. */
function readBounded(file: string, name: string): Buffer {
  const descriptor = file === "-" ? 0 : openSync(file, "r");
  try {
    const chunks: Buffer[] = [];
    let size = 0;
    for (;;) {
      const chunk = Buffer.allocUnsafe(64 * 1024);
      const length = readSync(descriptor, chunk);
      if (length === 0) return Buffer.concat(chunks);
      size += length;
      if (size > LARGEST_MANIFEST) {
        throw new OutriggerError(
          "unreadable-manifest",
          `${name} is longer than 16 MiB, which no manifest is: give the file of the pod`,
        );
      }
      chunks.push(chunk.subarray(0, length));
    }
  } finally {
    if (file !== "-") closeSync(descriptor);
  }
}

export function readManifest(file: string): ManifestText {
  const name = file === "-" ? "stdin" : file;
  let bytes: Buffer;
  try {
    bytes = readBounded(file, name);
  } catch (error) {
    if (error instanceof OutriggerError) throw error;
    const { code } = error as NodeJS.ErrnoException;
    const why =
      code === "ENOENT" ? "there is no such file" : code === "EISDIR" ? "it is a folder" : String(code);
    throw new OutriggerError("unreadable-manifest", `cannot read ${file}: ${why}`, { cause: error });
  }
  if (!isUtf8(bytes)) {
    throw new OutriggerError("unreadable-manifest", `${name} is not UTF-8 text: save it in that encoding`);
  }
  return { file: name, text: bytes.toString() };
}

export function prepare(texts: readonly ManifestText[], options: RunOptions, folder: string): Prepared {
  const problems: Problem[] = [];
  const whole = loadManifest(texts, problems);
  if (problems.length === 0) checkFlags(whole, options);
  const manifest = only(whole, options.pod);
  const plans = manifest.pods.map((pod) =>
    planPod(
      pod,
      manifest,
      {
        images: folders(options.images, "--image"),
        volumes: folders(options.volumes, "--volume"),
        folder,
        environment: process.env,
        ip: "127.0.0.1",
        ownNetwork: process.env[INSIDE] !== undefined,
      },
      problems,
    ),
  );
  if (problems.length > 0) throw new ManifestError(problems);
  if (plans.length === 0) {
    const files = texts.map(({ file }) => file).join(", ");
    throw new OutriggerError(
      "bad-manifest",
      `${files}: found no pod, accepted: a Pod, Deployment or Job document`,
    );
  }
  return { manifest, plans };
}

/** --image and --volume must name something; a slip of the pen would run without them. */
function checkFlags({ pods }: Manifest, options: RunOptions): void {
  const containers = pods.flatMap(({ spec }) => [...(spec.initContainers ?? []), ...spec.containers]);
  const images = new Set(containers.map(({ image }) => image));
  const imageWords = new Set([...images].flatMap(imageNames));
  const volumes = new Set(pods.flatMap(({ spec }) => (spec.volumes ?? []).map(({ name }) => name)));
  const wrong = [
    ...unmatched("--image", options.images, "container has such an image", imageWords, images),
    ...unmatched("--volume", options.volumes, "pod has such a volume", volumes, volumes),
  ];
  if (pods.length > 0 && wrong.length > 0) throw usageError(wrong.join("\n"));
}

function unmatched(
  flag: string,
  given: ReadonlyMap<string, string>,
  what: string,
  accepted: ReadonlySet<string>,
  there: ReadonlySet<string>,
): string[] {
  return [...given]
    .filter(([name]) => !accepted.has(name))
    .map(
      ([name, dir]) =>
        `${flag} ${name}=${dir}: no ${what}; there ${there.size === 0 ? "are none" : `are: ${listing(there)}`}`,
    );
}

/** --pod NAME */
function only(manifest: Manifest, name: string | null): Manifest {
  if (name === null) return manifest;
  const pods = manifest.pods.filter((pod) => pod.name === name || pod.id === name);
  if (pods.length === 0 && manifest.pods.length > 0) {
    throw usageError(
      `--pod ${name}: there is no such pod; there are: ${manifest.pods.map((pod) => pod.label).join(", ")}`,
    );
  }
  if (pods.length > 1) {
    throw usageError(
      `--pod ${name}: ${pods.length} pods have this name; say which: ${pods.map((pod) => pod.id).join(", ")}`,
    );
  }
  return { ...manifest, pods };
}

function folders(given: ReadonlyMap<string, string>, flag: string): Map<string, string> {
  const found = new Map<string, string>();
  for (const [name, dir] of given) {
    const path = resolve(dir);
    if (!statSync(path, { throwIfNoEntry: false })?.isDirectory()) {
      throw usageError(`${flag} ${name}=${dir}: there is no folder ${path}`);
    }
    found.set(name, path);
  }
  return found;
}

/** What --check prints. */
export function describe({ manifest, plans }: Prepared): string[] {
  return [
    ...plans.flatMap((plan) => [
      `${plan.kind} ${plan.label}:`,
      ...[...plan.init, ...plan.main].map(
        (each) =>
          `  ${each.role.padEnd(7)} ${each.name}: ${(each.command.shown ?? each.command.argv).map(quoted).join(" ")}`,
      ),
    ]),
    ...notes(manifest, plans),
  ];
}

const quoted = (word: string): string => (/^[\w@%+=:,./?&-]+$/.test(word) ? word : JSON.stringify(word));

/** What the run does not do, one line for all that has no meaning here and one for each thing that it cannot. */
export function notes(manifest: Manifest, plans: readonly PodPlan[]): string[] {
  const unused = manifest.unused.map(({ path }) => path);
  return [
    ...(unused.length === 0 ? [] : [`not used on a laptop: ${unused.join(", ")} (FIELDS.md says why)`]),
    ...plans.flatMap((plan) => plan.notHonoured.map((sentence) => `not honoured: ${sentence}`)),
  ];
}
