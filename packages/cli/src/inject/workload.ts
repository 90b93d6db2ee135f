/** The pod templates in a stream of manifests: where each kind has its own, and what inject reads of it. */
import { isMap, isSeq } from "yaml";
import type { ManifestDocument, Path } from "../manifest/document.ts";

/** The API group that a kind must be of, and where its pod template is. Another group's kind of the same name is not ours. */
const TEMPLATES: Readonly<Record<string, { readonly group: RegExp; readonly path: Path }>> = {
  Deployment: { group: /^apps\//, path: ["spec", "template"] },
  StatefulSet: { group: /^apps\//, path: ["spec", "template"] },
  DaemonSet: { group: /^apps\//, path: ["spec", "template"] },
  ReplicaSet: { group: /^apps\//, path: ["spec", "template"] },
  Job: { group: /^batch\//, path: ["spec", "template"] },
  CronJob: { group: /^batch\//, path: ["spec", "jobTemplate", "spec", "template"] },
  Pod: { group: /^v1$/, path: [] },
};
export const WORKLOAD_KINDS: readonly string[] = Object.keys(TEMPLATES);

/** One object of the stream. */
export interface ManifestObject {
  readonly document: ManifestDocument;
  readonly path: Path;
  readonly kind: string;
  readonly name: string;
  readonly namespace: string | undefined;
  /** The plain value. */
  readonly value: Fields;
}

/** An object that makes pods. */
export interface Workload extends ManifestObject {
  /** Where its pod template is (metadata and spec); of a Pod that is the Pod itself. */
  readonly templatePath: Path;
  readonly template: Fields;
  /** `deployment/web`, as kubectl says it. */
  readonly label: string;
}

/** A mapping of which nothing is known yet. */
export type Fields = Readonly<Record<string, unknown>>;

export const fields = (value: unknown): Fields =>
  typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Fields) : {};
export const list = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);
export const text = (value: unknown): string | undefined => (typeof value === "string" ? value : undefined);

/** Every object of a document; those of a List, too. */
export function* objectsOf(document: ManifestDocument): Iterable<ManifestObject> {
  yield* objectsAt(document, document.root, []);
}

function* objectsAt(document: ManifestDocument, at: unknown, path: Path): Iterable<ManifestObject> {
  const node = document.resolve(at);
  if (!isMap(node)) return;
  const pairs = document.pairs(node);
  const kind = text(document.plain(pairs.get("kind")?.value)) ?? "";
  const items = document.resolve(pairs.get("items")?.value);
  if (kind.endsWith("List") && isSeq(items)) {
    for (const [index, item] of items.items.entries())
      yield* objectsAt(document, item, [...path, "items", index]);
    return;
  }
  const value = fields(document.plain(node));
  const metadata = fields(value["metadata"]);
  yield {
    document,
    path,
    kind,
    name: text(metadata["name"]) ?? text(metadata["generateName"]) ?? "",
    namespace: text(metadata["namespace"]),
    value,
  };
}

/** @returns undefined where the object makes no pods that we know of */
export function workloadOf(object: ManifestObject): Workload | undefined {
  const known = Object.hasOwn(TEMPLATES, object.kind) ? TEMPLATES[object.kind] : undefined;
  if (!known?.group.test(text(object.value["apiVersion"]) ?? "")) return undefined;
  let template: unknown = object.value;
  for (const step of known.path) template = fields(template)[step as string];
  if (!isFilled(fields(template)["spec"])) return undefined;
  return {
    ...object,
    templatePath: [...object.path, ...known.path],
    template: fields(template),
    label: `${object.kind.toLowerCase()}/${object.name}`,
  };
}

const isFilled = (value: unknown): boolean => Object.keys(fields(value)).length > 0;

/** Whether one of --only's words means it: NAME or KIND/NAME, as kubectl takes it. */
export function isNamed(workload: Workload, words: readonly string[]): boolean {
  const name = workload.name.toLowerCase();
  const kind = workload.kind.toLowerCase();
  return words.some((word) => [name, `${kind}/${name}`, `${kind}s/${name}`].includes(word.toLowerCase()));
}
