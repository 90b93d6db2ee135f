/** All objects of the input: the pods, and what stands beside them. */
import type { ManifestDocument } from "../manifest/document.ts";
import {
  fields,
  objectsOf,
  text,
  workloadOf,
  type ManifestObject,
  type Workload,
} from "../manifest/workload.ts";
import type { AskPattern } from "./pattern-facts.ts";
import { wordsOf, type ConfigMapObject } from "./pattern-words.ts";
import { containersOf, type CheckedPod, type PatternContainer } from "./pod.ts";

export interface Stream {
  readonly pods: readonly CheckedPod[];
  ofKind(...kinds: readonly string[]): readonly ManifestObject[];
}

/** Asks each pattern container's program, one after the other. */
export async function readStream(documents: readonly ManifestDocument[], ask: AskPattern): Promise<Stream> {
  const objects = documents.flatMap((document) => [...objectsOf(document)]);
  const pods: CheckedPod[] = [];
  for (const object of objects) {
    const workload = workloadOf(object);
    if (workload) pods.push(await readPod(workload, objects, ask));
  }
  return { pods, ofKind: (...kinds) => objects.filter(({ kind }) => kinds.includes(kind)) };
}

async function readPod(
  workload: Workload,
  objects: readonly ManifestObject[],
  ask: AskPattern,
): Promise<CheckedPod> {
  const namespace = namespaceOf(workload);
  const spec = fields(workload.template["spec"]);
  const containers = containersOf(workload);
  const patterns: PatternContainer[] = [];
  for (const container of containers) {
    const { pattern } = container;
    if (pattern === null) continue;
    const words = wordsOf(container, spec, (name) => configMapOf(objects, namespace, name));
    patterns.push({ ...container, pattern, words, facts: await ask(pattern, words) });
  }
  return {
    workload,
    spec,
    specPath: [...workload.templatePath, "spec"],
    namespace,
    labels: fields(fields(workload.template["metadata"])["labels"]),
    containers,
    patterns,
  };
}

export const namespaceOf = (object: ManifestObject): string => object.namespace ?? "default";

function configMapOf(
  objects: readonly ManifestObject[],
  namespace: string,
  name: string,
): ConfigMapObject | undefined {
  const found = objects.find(
    (each) => each.kind === "ConfigMap" && each.name === name && namespaceOf(each) === namespace,
  );
  return (
    found && {
      document: found.document,
      path: found.path,
      data: Object.fromEntries(
        Object.entries(fields(found.value["data"])).map(([key, value]) => [
          key,
          text(value) ?? String(value),
        ]),
      ),
    }
  );
}
