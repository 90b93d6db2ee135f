/** What an image's name means on a laptop: one of Outrigger's patterns, a folder given by --image, or neither. */
import { existsSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { delimiter, dirname, join } from "node:path";

/** Probe and control ports that a pattern container serves on unless told otherwise. */
const PATTERNS: Readonly<Record<string, readonly [probe: number, control: number]>> = {
  ambassador: [14010, 14011],
  adapter: [14020, 14021],
  "leader-elector": [14030, 14031],
  "work-queue": [14040, 14041],
  sidecar: [14050, 14051],
  "scatter-gather": [14060, 14061],
};

export interface Pattern {
  readonly name: string;
  readonly probePort: number;
  readonly controlPort: number;
}

/** An image reference without registry, tag and digest: `ghcr.io:443/outrigger/ambassador:0.1.0@sha256:...` ends in its path. */
function pathSegments(image: string): string[] {
  const segments = image.replace(/@[^@]*$/, "").split("/");
  const last = (segments.pop() ?? "").replace(/:[^:]*$/, "");
  return [...segments, last];
}

/** The pattern that an image is, from `.../outrigger/NAME` or `.../outrigger-NAME`, any registry and tag. */
export function patternOf(image: string): Pattern | undefined {
  const segments = pathSegments(image);
  const last = segments.at(-1) ?? "";
  const name =
    segments.at(-2) === "outrigger"
      ? last
      : last.startsWith("outrigger-")
        ? last.slice("outrigger-".length)
        : "";
  const ports = Object.hasOwn(PATTERNS, name) ? PATTERNS[name] : undefined;
  return ports && { name, probePort: ports[0], controlPort: ports[1] };
}

/** The names by which `--image NAME=DIR` may call an image: the whole reference, without tag, or the last segment. */
export function imageNames(image: string): readonly string[] {
  const segments = pathSegments(image);
  return [image, segments.join("/"), segments.at(-1) ?? ""];
}

/**
 * The argv that starts a pattern: its package's own bin, run by this Node; where the package is not installed
 * beside the cli, `outrigger-NAME` on PATH.
 */
export function patternCommand(pattern: Pattern, searchPath: string): readonly string[] | undefined {
  const bin = `outrigger-${pattern.name}`;
  try {
    // The package's exports hide its files, so the package folder is found by its name in the lookup paths.
    const lookup = createRequire(import.meta.url).resolve.paths(`@outrigger/${pattern.name}`) ?? [];
    for (const folder of lookup) {
      const file = join(folder, "@outrigger", pattern.name, "bin", `${bin}.js`);
      if (existsSync(file)) return [process.execPath, file];
    }
  } catch {
    // No lookup paths: PATH remains.
  }
  const found = findOnPath(bin, searchPath);
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
