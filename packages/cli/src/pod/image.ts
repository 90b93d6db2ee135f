/** What an image's name means on a laptop: one of Outrigger's patterns, a folder given by --image, or neither. */
import { existsSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { delimiter, dirname, join } from "node:path";
import { didYouMean } from "@outrigger/core";

/** Probe and control ports that a pattern container serves on unless told otherwise. */
const PATTERNS: Readonly<Record<string, readonly [probe: number, control: number]>> = {
  ambassador: [14010, 14011],
  adapter: [14020, 14021],
  "leader-elector": [14030, 14031],
  "work-queue": [14040, 14041],
  sidecar: [14050, 14051],
  "scatter-gather": [14060, 14061],
};

/** Images of a pattern with something more. */
const VARIANTS: Readonly<Record<string, string>> = { "work-queue-embedded": "work-queue" };

export const PATTERN_NAMES: readonly string[] = Object.keys(PATTERNS);

/** How every pattern's image starts (see packages/ambassador/Containerfile); what an exec in its container begins with. */
export const IMAGE_ENTRY: readonly string[] = ["/nodejs/bin/node", "/outrigger/dist/main.mjs"];

export interface Pattern {
  readonly name: string;
  readonly probePort: number;
  readonly controlPort: number;
}

/** Those whose package exists; the others are names that are kept for them. */
const THERE: ReadonlySet<string> = new Set(["ambassador", "leader-elector", "work-queue"]);

/** An image reference without registry, tag and digest: `ghcr.io:443/outrigger/ambassador:0.1.0@sha256:...` ends in its path. */
function pathSegments(image: string): string[] {
  const segments = image.replace(/@[^@]*$/, "").split("/");
  const last = (segments.pop() ?? "").replace(/:[^:]*$/, "");
  return [...segments, last];
}

/** What stands where a pattern's name would: `""` where the image is not called as one of Outrigger's. */
function patternName(image: string): string {
  const segments = pathSegments(image);
  const last = segments.at(-1) ?? "";
  const name =
    segments.at(-2) === "outrigger"
      ? last
      : last.startsWith("outrigger-")
        ? last.slice("outrigger-".length)
        : "";
  return VARIANTS[name] ?? name;
}

/** For an image that is called as a pattern but is none: what to say of it; undefined for every other image. */
export function noSuchPattern(image: string): string | undefined {
  const name = patternName(image);
  if (name === "" || Object.hasOwn(PATTERNS, name)) return undefined;
  const known = Object.keys(PATTERNS);
  return `Outrigger has no pattern ${JSON.stringify(name)}${didYouMean(name, known)}; its patterns are: ${known.join(", ")}`;
}

/** Why a pattern cannot be started, and what to do. */
export function patternMissing({ name }: Pattern): string {
  if (THERE.has(name)) {
    return `@outrigger/${name} is not installed beside the cli, and outrigger-${name} is not on PATH: npm install @outrigger/${name}`;
  }
  return `the pattern ${name} is not there yet (there are: ${[...THERE].join(", ")}), and outrigger-${name} is not on PATH: take the container out of the manifest, or put a stand-in of that name on PATH`;
}

/** The pattern that an image is, from `.../outrigger/NAME` or `.../outrigger-NAME`, any registry and tag. */
export function patternOf(image: string): Pattern | undefined {
  const name = patternName(image);
  const ports = Object.hasOwn(PATTERNS, name) ? PATTERNS[name] : undefined;
  return ports && { name, probePort: ports[0], controlPort: ports[1] };
}

/** The names by which `--image NAME=DIR` may call an image: the whole reference, without tag, or the last segment. */
export function imageNames(image: string): readonly string[] {
  const segments = pathSegments(image);
  return [image, segments.join("/"), segments.at(-1) ?? ""];
}

/** Its package's own bin, run by this Node; undefined where the package is not installed beside the cli. */
export function ownEntry({ name }: Pattern): readonly string[] | undefined {
  // The package's exports hide its files, so the package folder is found by its name in the lookup paths.
  const lookup = createRequire(import.meta.url).resolve.paths(`@outrigger/${name}`) ?? [];
  const file = lookup
    .map((folder) => join(folder, "@outrigger", name, "bin", `outrigger-${name}.js`))
    .find((path) => existsSync(path));
  return file === undefined ? undefined : [process.execPath, file];
}

/** The argv that starts a pattern: its own entry, or else `outrigger-NAME` on PATH. */
export function patternCommand(pattern: Pattern, searchPath: string): readonly string[] | undefined {
  const own = ownEntry(pattern);
  if (own) return own;
  const found = findOnPath(`outrigger-${pattern.name}`, searchPath);
  return found === undefined ? undefined : [found];
}

export function findOnPath(command: string, searchPath: string): string | undefined {
  if (command.includes("/")) return existsSync(command) ? command : undefined;
  for (const folder of searchPath.split(delimiter)) {
    if (folder !== "" && existsSync(join(folder, command))) return join(folder, command);
  }
  return undefined;
}

/**
 * What a folder given by --image starts when the manifest names no command: the package.json's "start" script where
 * it is plain words (there is no shell to read anything else), or else Node on its "main".
 */
export function folderCommand(folder: string): { command: readonly string[] } | { problem: string } {
  const file = join(folder, "package.json");
  let manifest: unknown;
  try {
    manifest = JSON.parse(readFileSync(file, "utf8"));
  } catch {
    return {
      problem: `has no command, and ${folder} has no readable package.json: write the command in the manifest`,
    };
  }
  const { scripts, main } = (manifest ?? {}) as { scripts?: Record<string, unknown>; main?: unknown };
  const start = scripts?.["start"];
  if (typeof start === "string") {
    if (!/^[\w@%+=:,./ -]+$/.test(start) || /^\w+=/.test(start)) {
      return {
        problem: `has no command, and the "start" script of ${file} needs a shell (${start}): write the command in the manifest`,
      };
    }
    return { command: start.trim().split(/ +/) };
  }
  if (typeof main === "string") return { command: ["node", main] };
  return {
    problem: `has no command, and ${file} has neither a "start" script nor "main": write the command in the manifest`,
  };
}

/** Folders that come before PATH for a workload of `--image NAME=DIR`, as npm puts them. */
export const folderBins = (folder: string): string => join(folder, "node_modules", ".bin");

/** PATH for children: the caller's, and at its end the folder of the Node that runs us, so that `node` is always found. */
export function childPath(environment: NodeJS.ProcessEnv): string {
  return [environment["PATH"] ?? "/usr/local/bin:/usr/bin:/bin", dirname(process.execPath)].join(delimiter);
}
