/**
 * A pod's volumes as folders. ConfigMaps, Secrets, downward API and projections are laid out as the kubelet does
 * (AtomicWriter: files -> ..data -> ..TIMESTAMP), so that what reloads on the symlink's swap does so here too.
 */
import { chmod, mkdir, readdir, readlink, rename, rm, symlink, writeFile } from "node:fs/promises";
import { dirname, join, posix } from "node:path";
import { OutriggerError } from "@outrigger/core";
import type { Path, Problem } from "../manifest/document.ts";
import type { VolumeSpec } from "../manifest/fields.ts";
import type { DeclaredPod } from "../manifest/load.ts";
import type { ValueSource } from "./environment.ts";

export interface ProjectedFile {
  readonly path: string;
  readonly content: Buffer;
  readonly mode: number;
}

export interface Volume {
  readonly name: string;
  readonly folder: string;
  /** null: a plain folder (emptyDir, or one given by --volume). */
  readonly files: readonly ProjectedFile[] | null;
  /** Whether only the user may enter it: something in it is secret. */
  readonly secret: boolean;
  /** Whether it was given by --volume, and is not ours to make or remove. */
  readonly given: boolean;
}

const FILE_MODE = 0o644;

/** Works out the volumes of a pod; nothing is written yet. */
export function planVolumes(
  pod: DeclaredPod,
  values: ValueSource,
  folder: string,
  given: ReadonlyMap<string, string>,
  problems: Problem[],
): Map<string, Volume> {
  const volumes = new Map<string, Volume>();
  for (const [index, spec] of (pod.spec.volumes ?? []).entries()) {
    const at: Path = ["volumes", index];
    const report = (path: Path, message: string): void =>
      void problems.push(pod.document.problem([...pod.specPath, ...path], message));
    if (volumes.has(spec.name)) report([...at, "name"], `a second volume ${JSON.stringify(spec.name)}`);
    const dir = given.get(spec.name);
    if (dir !== undefined) {
      volumes.set(spec.name, { name: spec.name, folder: dir, files: null, secret: false, given: true });
      continue;
    }
    const plan = planFiles(spec, values, at, report);
    volumes.set(spec.name, { name: spec.name, folder: join(folder, spec.name), given: false, ...plan });
  }
  return volumes;
}

function planFiles(
  spec: VolumeSpec,
  values: ValueSource,
  at: Path,
  report: (path: Path, message: string) => void,
): Pick<Volume, "files" | "secret"> {
  const { name: _, ...sources } = spec;
  const kinds = Object.keys(sources);
  // A volume without a source is an emptyDir, as it is for the API server.
  if (kinds.length === 0 || (kinds.length === 1 && sources.emptyDir)) return { files: null, secret: false };
  const files = new FileSet(report);
  let secret = false;
  let whole = true;
  const objectFiles = (
    kind: "ConfigMap" | "Secret",
    name: string,
    source: NonNullable<VolumeSpec["configMap"]> | Omit<NonNullable<VolumeSpec["secret"]>, "secretName">,
    mode: number,
    path: Path,
    nameKey: string,
  ): void => {
    if (kind === "Secret") secret = true;
    if (!source.optional && !values.isWhole(kind, name)) whole = false;
    const found = values.files(kind, name, source.optional, [...path, nameKey]);
    if (!found) return;
    if (!source.items) {
      for (const [key, content] of found) files.merge({ path: key, content, mode }, [...path, nameKey]);
      return;
    }
    for (const [index, item] of source.items.entries()) {
      const itemPath = [...path, "items", index, "path"];
      const content = found.get(item.key);
      if (!content) {
        if (!source.optional) {
          values.missingKey(kind, name, item.key, found, [...path, "items", index, "key"]);
        }
      } else files.add({ path: item.path, content, mode: item.mode ?? mode }, itemPath);
    }
  };
  const downward = (source: NonNullable<VolumeSpec["downwardAPI"]>, mode: number, path: Path): void => {
    for (const [index, item] of (source.items ?? []).entries()) {
      const itemPath = [...path, "items", index];
      const text = item.fieldRef
        ? values.fieldRef(item.fieldRef, [...itemPath, "fieldRef"])
        : item.resourceFieldRef
          ? values.resourceFieldRef(item.resourceFieldRef, undefined, [...itemPath, "resourceFieldRef"])
          : undefined;
      if (text === undefined)
        report(itemPath, "has neither fieldRef nor resourceFieldRef: write one of the two");
      else
        files.add({ path: item.path, content: Buffer.from(text), mode: item.mode ?? mode }, [
          ...itemPath,
          "path",
        ]);
    }
  };
  if (kinds.length > 1) {
    report(at, `found ${kinds.join(" and ")}, accepted: one source a volume`);
  } else if (spec.configMap) {
    const { configMap } = spec;
    objectFiles(
      "ConfigMap",
      configMap.name,
      configMap,
      configMap.defaultMode ?? FILE_MODE,
      [...at, "configMap"],
      "name",
    );
  } else if (spec.secret) {
    const { secret: source } = spec;
    objectFiles(
      "Secret",
      source.secretName,
      source,
      source.defaultMode ?? FILE_MODE,
      [...at, "secret"],
      "secretName",
    );
  } else if (spec.downwardAPI) {
    downward(spec.downwardAPI, spec.downwardAPI.defaultMode ?? FILE_MODE, [...at, "downwardAPI"]);
  } else if (spec.projected) {
    const mode = spec.projected.defaultMode ?? FILE_MODE;
    for (const [index, source] of (spec.projected.sources ?? []).entries()) {
      const path = [...at, "projected", "sources", index];
      if (source.configMap)
        objectFiles(
          "ConfigMap",
          source.configMap.name,
          source.configMap,
          mode,
          [...path, "configMap"],
          "name",
        );
      if (source.secret)
        objectFiles("Secret", source.secret.name, source.secret, mode, [...path, "secret"], "name");
      if (source.downwardAPI) downward(source.downwardAPI, mode, [...path, "downwardAPI"]);
    }
  } else {
    report(
      [...at, kinds[0] as string],
      `a ${kinds[0]} volume has no folder on a laptop: give it one with --volume ${spec.name}=DIR`,
    );
  }
  // Where a problem of an object has been reported nothing starts, and what its volume lacks may follow from it.
  return { files: whole ? files.all() : null, secret };
}

/** The files of one volume: none leaves it, none stands where another needs a folder. */
class FileSet {
  readonly #report: (path: Path, message: string) => void;
  readonly #files = new Map<string, ProjectedFile>();
  /** Each folder, and a file in it. */
  readonly #folders = new Map<string, string>();

  constructor(report: (path: Path, message: string) => void) {
    this.#report = report;
  }

  all(): ProjectedFile[] {
    return [...this.#files.values()];
  }

  /** A file whose path somebody wrote. */
  add(file: ProjectedFile, at: Path): void {
    if (!isPlain(file.path)) {
      this.#report(
        at,
        `found ${JSON.stringify(file.path)}, accepted: a relative path of plain names: no . and .., no / at its ends, at most 255 bytes between two /`,
      );
    } else if (this.#files.has(file.path)) {
      this.#report(
        at,
        `found ${JSON.stringify(file.path)} a second time in this volume: give it another path`,
      );
    } else this.merge(file, at);
  }

  /** A whole object's key: of two sources' the last is seen, as in a cluster. */
  merge(file: ProjectedFile, at: Path): void {
    const parts = file.path.split("/");
    const folders = parts.slice(1).map((_, index) => parts.slice(0, index + 1).join("/"));
    const inTheWay = folders.find((folder) => this.#files.has(folder));
    const inside = this.#folders.get(file.path);
    if (inTheWay !== undefined || inside !== undefined) {
      const [taken, needs] = inside === undefined ? [inTheWay, file.path] : [file.path, inside];
      this.#report(
        at,
        `${JSON.stringify(taken)} cannot be a file, and the folder of ${JSON.stringify(needs)}: give one of them another path`,
      );
      return;
    }
    for (const folder of folders) this.#folders.set(folder, file.path);
    this.#files.set(file.path, file);
  }
}

const isPlain = (path: string): boolean =>
  Buffer.byteLength(path) <= 1024 &&
  !path.startsWith("..") &&
  path.split("/").every((part) => !["", ".", ".."].includes(part) && Buffer.byteLength(part) <= 255);

const leavesFolder = (path: string): boolean =>
  posix.isAbsolute(path) || path === "" || path.split("/").includes("..") || path.startsWith("..");

/** Makes the folder and, for projected volumes, its first version. */
export async function createVolume(volume: Volume): Promise<void> {
  if (volume.given) return;
  await mkdir(volume.folder, { recursive: true, mode: volume.secret ? 0o700 : 0o755 });
  if (volume.files) await writeVersion(volume.folder, volume.files);
}

/** Swaps a projected volume's content for another, all files at one moment. */
export async function writeVersion(folder: string, files: readonly ProjectedFile[]): Promise<void> {
  const data = join(folder, "..data");
  const previous = await readlink(data).catch(() => null);
  const version = `..${new Date().toISOString().replace(/[-:TZ.]/g, "_")}${process.hrtime.bigint() % 1_000_000n}`;
  try {
    await writeFiles(join(folder, version), files);
  } catch (error) {
    // The volume stays as it was, and on a full disk nothing is kept of what could not be used.
    await rm(join(folder, version), { recursive: true, force: true });
    throw error;
  }
  await symlink(version, `${data}_tmp`);
  await rename(`${data}_tmp`, data);
  const roots = new Set(files.map((file) => file.path.split("/")[0] as string));
  for (const root of roots) await symlink(join("..data", root), join(folder, root)).catch(ignoreExisting);
  for (const entry of await readdir(folder)) {
    if (!entry.startsWith("..") && !roots.has(entry)) await rm(join(folder, entry));
  }
  if (previous !== null) await rm(join(folder, previous), { recursive: true, force: true });
}

async function writeFiles(folder: string, files: readonly ProjectedFile[]): Promise<void> {
  await mkdir(folder);
  for (const file of files) {
    // Planning has refused these by their place; a file outside the volume is never written, whatever planning missed.
    if (leavesFolder(file.path)) {
      throw new OutriggerError(
        "bad-volume-path",
        `the file ${JSON.stringify(file.path)} would leave its volume`,
      );
    }
    const path = join(folder, file.path);
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, file.content);
    await chmod(path, file.mode);
  }
}

function ignoreExisting(error: NodeJS.ErrnoException): void {
  if (error.code !== "EEXIST") throw error;
}
