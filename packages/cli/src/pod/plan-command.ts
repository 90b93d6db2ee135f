/** The argv, environment and working directory of a container. No shell, ever: an argv is started as it is. */
import { existsSync, statSync } from "node:fs";
import { delimiter, isAbsolute, resolve } from "node:path";
import { expand } from "../manifest/expansion.ts";
import {
  childPath,
  findOnPath,
  folderBins,
  folderCommand,
  imageNames,
  noSuchPattern,
  patternCommand,
  patternMissing,
  type Pattern,
} from "./image.ts";
import { rewriteMountPaths } from "./mount-path.ts";
import type { ContainerContext } from "./container-context.ts";
import type { Command } from "./process-group.ts";

/** What a child has of the caller's environment; the rest is the manifest's. A container would have its image's. */
const INHERITED = [
  "HOME",
  "USER",
  "LOGNAME",
  "LANG",
  "LC_ALL",
  "LC_CTYPE",
  "TZ",
  "TMPDIR",
  "SSL_CERT_FILE",
  "SSL_CERT_DIR",
];

/** @param root the folder that is the working directory where nothing else is said */
export function planCommand(context: ContainerContext, pattern: Pattern | undefined, root: string): Command {
  const { container, at, options, mounts, variables, report } = context;
  const folder = imageNames(container.image)
    .map((name) => options.images.get(name))
    .find((dir) => dir !== undefined);
  const rewrite = (text: string): string => rewriteMountPaths(text, mounts);
  const words = (list: readonly string[] | undefined, values = variables): string[] =>
    (list ?? []).map((word) => rewrite(expand(word, values)));

  const env: Record<string, string> = {};
  for (const name of INHERITED) {
    const value = options.environment[name];
    if (value !== undefined) env[name] = value;
  }
  const path = childPath(options.environment);
  env["PATH"] = folder === undefined ? path : [folderBins(folder), path].join(delimiter);
  env["HOSTNAME"] = context.pod.spec.hostnameOverride ?? context.pod.spec.hostname ?? context.pod.name;
  for (const [name, value] of variables) env[name] = rewrite(value);

  const slip = noSuchPattern(container.image);
  const cwd = workingDirectory(context, folder, root, rewrite);
  const args = words(container.args);
  const shownArgs = words(container.args, context.shown);
  if (container.command?.length) {
    const argv = [...words(container.command), ...args];
    const shown = [...words(container.command, context.shown), ...shownArgs];
    checkCommand(context, argv[0] as string, shown[0] as string, cwd, env["PATH"]);
    return { argv, shown, env, cwd };
  }
  if (folder !== undefined) {
    const found = folderCommand(folder);
    if ("problem" in found) report(at, found.problem);
    else {
      const program = found.command[0] as string;
      checkCommand(context, program, program, cwd, env["PATH"]);
      return { argv: [...found.command, ...args], shown: [...found.command, ...shownArgs], env, cwd };
    }
  } else if (pattern) {
    const start = patternCommand(pattern, path);
    if (start) return { argv: [...start, ...args], shown: [...start, ...shownArgs], env, cwd };
    report([...at, "image"], patternMissing(pattern));
  } else if (slip !== undefined) report([...at, "image"], slip);
  else {
    report(
      at,
      `has no command, and the entrypoint of its image ${container.image} is not known here (no image is pulled): write command: in the manifest, or give the folder of its code with --image ${container.image}=DIR`,
    );
  }
  return { argv: ["false"], env, cwd };
}

function workingDirectory(
  context: ContainerContext,
  folder: string | undefined,
  root: string,
  rewrite: (text: string) => string,
): string {
  const { container, at, report } = context;
  if (container.workingDir === undefined) return folder ?? root;
  const rewritten = rewrite(container.workingDir);
  if (rewritten !== container.workingDir) return rewritten;
  if (folder === undefined) {
    report(
      [...at, "workingDir"],
      `${container.workingDir} is a folder of the image ${container.image}, which is not here: mount a volume there, or give the image's folder with --image ${container.image}=DIR`,
    );
  }
  return folder ?? root;
}

/** A command that is not there would crash-loop; saying so at once saves the wait. What comes from a volume is trusted. */
function checkCommand(
  context: ContainerContext,
  command: string,
  shown: string,
  cwd: string,
  searchPath: string,
): void {
  const { container, at, mounts, report } = context;
  if (mounts.some((mount) => command.startsWith(mount.folder))) return;
  const where = [...at, ...(container.command?.length ? ["command", 0] : [])];
  const file = command.includes("/") && !isAbsolute(command) ? resolve(cwd, command) : command;
  if (findOnPath(file, searchPath) === undefined) {
    const missing = isAbsolute(file)
      ? `there is no ${shown} on this machine`
      : `there is no ${shown} on PATH`;
    report(where, `${missing}: the images' own programs are not here; install it, or change the command`);
  } else if (isAbsolute(file) && existsSync(file) && statSync(file).isDirectory()) {
    report(where, `${shown} is a folder, not a program`);
  }
}
