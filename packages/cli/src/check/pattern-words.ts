/** A pattern container's arguments, environment and configuration file, as far as the stream has them. */
import { expand } from "../manifest/expansion.ts";
import type { ManifestDocument, Path } from "../manifest/document.ts";
import { fields, list, text, type Fields } from "../manifest/workload.ts";
import type { Container } from "./pod.ts";

export interface ConfigText {
  /** As --config names it. */
  readonly path: string;
  readonly text: string;
  /** Where the text stands: the key of a ConfigMap. */
  readonly document: ManifestDocument;
  readonly at: Path;
}

export interface PatternWords {
  readonly args: readonly string[];
  readonly environment: ReadonlyMap<string, string>;
  readonly config: ConfigText | null;
  /** One-line routes, of flags or else of the environment. */
  readonly routes: readonly string[];
  /** Of --drain-token or its variable; the default where neither is there. */
  readonly drainToken: string | null;
  /** The last value of a flag, of its variable where it is not given; null: neither. */
  flag(name: string): string | null;
  /** Why its program cannot be asked about them. */
  readonly unknown: string | null;
}

export interface ConfigMapObject {
  readonly document: ManifestDocument;
  readonly path: Path;
  readonly data: Readonly<Record<string, string>>;
}

export type FindConfigMap = (name: string) => ConfigMapObject | undefined;

/** See packages/ambassador/Containerfile. */
const ENTRY = "/outrigger/dist/main.mjs";
const DEFAULT_TOKEN = "preStop";

/** @param spec the PodSpec that the container is of */
export function wordsOf({ value }: Container, spec: Fields, configMap: FindConfigMap): PatternWords {
  const { environment, unresolved } = environmentOf(value, configMap);
  const written = [...list(value["command"]), ...list(value["args"])].map(String);
  const args = written.map((word) => expand(word, environment));
  let unknown: string | null = null;
  if (list(value["command"]).length > 0) {
    const entry = args.findIndex((word) => word.endsWith(ENTRY));
    if (entry < 0) unknown = "it has a command of its own";
    else args.splice(0, entry + 1);
  }
  for (const name of unresolved) {
    if (name.startsWith("OUTRIGGER_") || written.some((word) => word.includes(`$(${name})`)))
      unknown ??= `the value of its variable ${name} is not in the input`;
  }
  const flag = (name: string): string | null =>
    flagValues(args, name).at(-1) ??
    environment.get(`OUTRIGGER_${name.toUpperCase().replaceAll("-", "_")}`) ??
    null;
  const file = flagValues(args, "config").at(-1) ?? environment.get("OUTRIGGER_CONFIG_FILE") ?? null;
  const config = file === null ? null : mountedText(file, value, spec, configMap);
  if (file !== null && config === null)
    unknown ??= `${file} is in no ConfigMap of the input that it mounts: give that ConfigMap, too`;
  const lines = flagValues(args, "route");
  return {
    args,
    environment,
    config,
    routes:
      lines.length > 0 ? lines : (environment.get("OUTRIGGER_ROUTES") ?? "").split(/\s+/).filter(Boolean),
    drainToken: unresolved.has("OUTRIGGER_DRAIN_TOKEN") ? null : (flag("drain-token") ?? DEFAULT_TOKEN),
    flag,
    unknown,
  };
}

function flagValues(args: readonly string[], name: string): string[] {
  const values: string[] = [];
  for (const [index, word] of args.entries()) {
    if (word.startsWith(`--${name}=`)) values.push(word.slice(name.length + 3));
    else if (word === `--${name}`) values.push(args[index + 1] ?? "");
  }
  return values;
}

/** Secrets are not looked at, and what only a cluster knows is anything: neither may matter to what is checked. */
function environmentOf(
  container: Fields,
  configMap: FindConfigMap,
): { environment: Map<string, string>; unresolved: Set<string> } {
  const environment = new Map<string, string>();
  const unresolved = new Set<string>();
  for (const from of list(container["envFrom"]).map(fields)) {
    const map = configMap(text(fields(from["configMapRef"])["name"]) ?? "");
    for (const [name, value] of Object.entries(map?.data ?? {}))
      environment.set(`${text(from["prefix"]) ?? ""}${name}`, value);
  }
  for (const variable of list(container["env"]).map(fields)) {
    const name = text(variable["name"]) ?? "";
    const reference = fields(fields(variable["valueFrom"])["configMapKeyRef"]);
    const referred = configMap(text(reference["name"]) ?? "")?.data[text(reference["key"]) ?? ""];
    if (variable["valueFrom"] === undefined)
      environment.set(name, expand(text(variable["value"]) ?? "", environment));
    else if (referred !== undefined) environment.set(name, referred);
    else {
      unresolved.add(name);
      environment.set(name, "unknown");
    }
  }
  return { environment, unresolved };
}

function mountedText(
  file: string,
  container: Fields,
  spec: Fields,
  configMap: FindConfigMap,
): ConfigText | null {
  for (const mount of list(container["volumeMounts"]).map(fields)) {
    const mountPath = (text(mount["mountPath"]) ?? "").replace(/\/+$/, "");
    const subPath = text(mount["subPath"]);
    const within =
      file === mountPath ? "" : file.startsWith(`${mountPath}/`) ? file.slice(mountPath.length + 1) : null;
    if (mountPath === "" || within === null) continue;
    const inVolume = [subPath, within].filter(Boolean).join("/");
    const volume = list(spec["volumes"])
      .map(fields)
      .find(({ name }) => name === mount["name"]);
    const source = fields(volume?.["configMap"]);
    const map = configMap(text(source["name"]) ?? "");
    const item = list(source["items"])
      .map(fields)
      .find(({ path }) => path === inVolume);
    const key = source["items"] === undefined ? inVolume : (text(item?.["key"]) ?? "");
    const content = map?.data[key];
    if (map && content !== undefined)
      return { path: file, text: content, document: map.document, at: [...map.path, "data", key] };
  }
  return null;
}
