/** Reads manifest files into the pods and the objects that the pods refer to; every problem of every file at once. */
import { OutriggerError } from "@outrigger/core";
import { isMap, isScalar } from "yaml";
import { closest } from "@outrigger/core";
import { formatProblem, readDocuments, type ManifestDocument, type Path, type Problem } from "./document.ts";
import {
  irrelevantKinds,
  kinds,
  type ConfigMapManifest,
  type PodManifest,
  type PodSpec,
  type SecretManifest,
  type ServiceManifest,
} from "./fields.ts";
import { show, validate, type Findings, type Unused } from "./validate.ts";

/** A pod as some document asks for it: the Pod itself, or the template of what would create it. */
export interface DeclaredPod {
  /** `namespace/kind/name`: no two pods of a run have the same. */
  readonly id: string;
  /** How a person tells it from the run's other pods: its name, or its id where another has that name too. */
  readonly label: string;
  readonly kind: "Pod" | "Deployment" | "Job";
  readonly name: string;
  readonly metadata: Omit<PodManifest["metadata"], "name">;
  readonly spec: PodSpec;
  readonly document: ManifestDocument;
  /** Where the PodSpec is in its document: `spec`, or `spec.template.spec`. */
  readonly specPath: Path;
}

export interface Manifest {
  readonly pods: readonly DeclaredPod[];
  readonly configMaps: ReadonlyMap<string, ConfigMapManifest>;
  readonly secrets: ReadonlyMap<string, SecretManifest>;
  readonly services: readonly ServiceManifest[];
  /** The ConfigMaps and Secrets with a problem of their own: keys may be missing from what was read of them. */
  readonly incomplete: ReadonlySet<ConfigMapManifest | SecretManifest>;
  /** Fields that are written and have no meaning here, each path once. */
  readonly unused: readonly Unused[];
}

export interface ManifestText {
  readonly file: string;
  readonly text: string;
}

/** Names of ConfigMaps and Secrets are per namespace. */
export const objectKey = (namespace: string | undefined, name: string): string =>
  `${namespace ?? "default"}/${name}`;

/** As many as a terminal shows at once: one slip of the pen can make thousands of errors after it. */
const MOST_SHOWN = 20;

/** What all problems of a manifest are thrown as: code `bad-manifest`, one line a problem, of many the first. */
export class ManifestError extends OutriggerError {
  readonly problems: readonly Problem[];

  constructor(problems: readonly Problem[]) {
    const files = [...new Set(problems.map(({ file }) => file))];
    const inOrder = [...problems].sort(
      (a, b) => files.indexOf(a.file) - files.indexOf(b.file) || a.line - b.line || a.column - b.column,
    );
    const lines = inOrder.slice(0, MOST_SHOWN).map(formatProblem);
    const more = inOrder.length - lines.length;
    if (more > 0) lines.push(`and ${more} more: mend these first`);
    super("bad-manifest", lines.join("\n"));
    this.problems = inOrder;
  }
}

/**
 * Reads and checks documents by the table of fields. Problems are added, not thrown, so that a caller can add
 * those that only it can see. A pod with a hole in its value (a wrong type, a required field missing) is left out;
 * ConfigMaps and Secrets with one stay, so that nobody who refers to them is told that they are not there.
 */
export function loadManifest(texts: readonly ManifestText[], problems: Problem[]): Manifest {
  const findings: Findings = { problems, unused: [], holes: 0 };
  const pods: Omit<DeclaredPod, "id" | "label">[] = [];
  const configMaps = new Map<string, ConfigMapManifest>();
  const secrets = new Map<string, SecretManifest>();
  const services: ServiceManifest[] = [];
  const incomplete = new Set<ConfigMapManifest | SecretManifest>();
  const seen = new Map<string, string>();

  for (const { file, text } of texts) {
    for (const document of readDocuments(file, text, problems)) {
      const kind = kindOf(document, findings);
      if (kind === undefined) continue;
      const [before, holes] = [problems.length, findings.holes];
      switch (kind) {
        case "Pod": {
          const pod = validate(document, kinds.Pod.shape, findings);
          if (!pod || findings.holes > holes) break;
          const { name, ...metadata } = pod.metadata;
          pods.push({ kind, name, metadata, spec: pod.spec, document, specPath: ["spec"] });
          break;
        }
        case "Deployment": {
          const deployment = validate(document, kinds.Deployment.shape, findings);
          if (!deployment || findings.holes > holes) break;
          const { template } = deployment.spec;
          pods.push({
            kind,
            name: deployment.metadata.name,
            metadata: { ...inherited(deployment.metadata), ...template.metadata },
            spec: template.spec,
            document,
            specPath: ["spec", "template", "spec"],
          });
          break;
        }
        case "Job": {
          const job = validate(document, kinds.Job.shape, findings);
          if (!job || findings.holes > holes) break;
          const { template, activeDeadlineSeconds } = job.spec;
          pods.push({
            kind,
            name: job.metadata.name,
            metadata: { ...inherited(job.metadata), ...template.metadata },
            spec: {
              ...(activeDeadlineSeconds === undefined ? {} : { activeDeadlineSeconds }),
              ...template.spec,
            },
            document,
            specPath: ["spec", "template", "spec"],
          });
          break;
        }
        case "ConfigMap": {
          const value = validate(document, kinds.ConfigMap.shape, findings);
          if (value && problems.length > before) incomplete.add(value);
          if (value?.metadata?.name)
            configMaps.set(objectKey(value.metadata.namespace, value.metadata.name), value);
          break;
        }
        case "Secret": {
          const value = validate(document, kinds.Secret.shape, findings);
          if (value && problems.length > before) incomplete.add(value);
          if (value?.metadata?.name)
            secrets.set(objectKey(value.metadata.namespace, value.metadata.name), value);
          break;
        }
        case "Service": {
          const value = validate(document, kinds.Service.shape, findings);
          if (value && findings.holes === holes) services.push(value);
          break;
        }
      }
      if (problems.length === before) reportRepeated(document, kind, seen, problems);
    }
  }

  const listed = new Map(findings.unused.map((entry) => [entry.path, entry]));
  const unused = [...listed.values()].filter(
    ({ path }) => ![...listed.keys()].some((other) => path.startsWith(`${other}.`)),
  );
  return { pods: identified(pods), configMaps, secrets, services, incomplete, unused };
}

function identified(pods: readonly Omit<DeclaredPod, "id" | "label">[]): DeclaredPod[] {
  const holders = new Map<string, number>();
  for (const { name } of pods) holders.set(name, (holders.get(name) ?? 0) + 1);
  return pods.map((pod) => {
    const id = `${pod.metadata.namespace ?? "default"}/${pod.kind}/${pod.name}`;
    return { ...pod, id, label: holders.get(pod.name) === 1 ? pod.name : id };
  });
}

/** Of a controller's metadata its pods have the namespace; labels and annotations are the template's own. */
function inherited(metadata: PodManifest["metadata"]): { namespace?: string } {
  return metadata.namespace === undefined ? {} : { namespace: metadata.namespace };
}

function kindOf(document: ManifestDocument, findings: Findings): keyof typeof kinds | undefined {
  const { root } = document;
  if (!isMap(root)) {
    findings.problems.push(document.problem([], "found no mapping, accepted: a Kubernetes object"));
    return undefined;
  }
  const head = (key: string): unknown => {
    const value = document.resolve(document.pairs(root).get(key)?.value);
    return isScalar(value) ? value.value : undefined;
  };
  const [kind, apiVersion] = [head("kind"), head("apiVersion")];
  const accepted = Object.keys(kinds);
  if (typeof kind === "string" && irrelevantKinds.includes(kind)) {
    findings.unused.push({ path: `kind ${kind}`, note: "it speaks to a cluster" });
    return undefined;
  }
  if (typeof kind !== "string" || !Object.hasOwn(kinds, kind)) {
    const near = typeof kind === "string" ? closest(kind, accepted) : undefined;
    findings.problems.push(
      document.problem(
        ["kind"],
        `found ${show(kind)}, accepted: ${accepted.join(", ")}${near ? `; did you mean ${near}?` : ""}`,
      ),
    );
    return undefined;
  }
  const known = kind as keyof typeof kinds;
  if (apiVersion !== kinds[known].apiVersion) {
    findings.problems.push(
      document.problem(
        ["apiVersion"],
        `found ${show(apiVersion)}, accepted: ${kinds[known].apiVersion} for a ${kind}`,
      ),
    );
    return undefined;
  }
  return known;
}

function reportRepeated(
  document: ManifestDocument,
  kind: string,
  seen: Map<string, string>,
  problems: Problem[],
): void {
  const named = (key: string): string | undefined => {
    const metadata =
      isMap(document.root) && document.resolve(document.pairs(document.root).get("metadata")?.value);
    const value = isMap(metadata) ? document.resolve(document.pairs(metadata).get(key)?.value) : undefined;
    return isScalar(value) && typeof value.value === "string" ? value.value : undefined;
  };
  const name = named("name");
  if (name === undefined) return;
  const key = `${kind} ${objectKey(named("namespace"), name)}`;
  const place = document.locate(["metadata", "name"]);
  const first = seen.get(key);
  if (first !== undefined) {
    problems.push(
      document.problem(["metadata", "name"], `${key} is declared a second time, first at ${first}`),
    );
  } else seen.set(key, `${document.file}:${place.line}`);
}
