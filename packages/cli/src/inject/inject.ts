/** Manifests in, manifests out with patterns added to their pods: lines are added, and nothing else of the text changes. */
import { OutriggerError } from "@outrigger/core";
import { readDocuments, type ManifestDocument, type Problem } from "../manifest/document.ts";
import { ManifestError, type ManifestText } from "../manifest/load.ts";
import { serviceNotes } from "./gate.ts";
import { removeText, type Insertion } from "./lines.ts";
import type { InjectOptions } from "./options.ts";
import { annotationOf, containerName, GATE_ANNOTATION, INJECTABLES } from "./pattern-table.ts";
import { isAsked } from "./asked.ts";
import { planInjection, type Injection } from "./plan.ts";
import type { Question, RightsQuestion } from "./question.ts";
import { QUEUE } from "./queue.ts";
import { printedNote } from "./printed-rights.ts";
import { grantNote, rbacManifest } from "./rbac.ts";
import { insertChecked, insertionsOf, removalsOf, type Expected } from "./write.ts";
import {
  fields,
  isNamed,
  objectsOf,
  text as textOf,
  WORKLOAD_KINDS,
  workloadOf,
  type ManifestObject,
  type Workload,
} from "../manifest/workload.ts";

export interface Injected {
  readonly output: string;
  /** For people: what was added, and what they should know of it. */
  readonly notes: readonly string[];
  /** The Role and RoleBinding that the pods need, or empty. */
  readonly rbac: string;
}

/**
 * Adds what the options, or the annotations of each pod template, ask for. What an earlier inject has added is taken
 * out first, so that twice is once, and other options are an update; a pattern that is not asked for stays as it is.
 * @param ask has each pattern check its arguments; @returns what it says against them
 * @param rights has a pattern say what it needs of the API server besides routes, as YAML; empty: nothing
 * @throws ManifestError `bad-manifest` with every problem and its place; OutriggerError `usage`, `bad-route`
 */
export async function inject(
  texts: readonly ManifestText[],
  options: InjectOptions,
  ask: (question: Question) => Promise<string | undefined>,
  rights: (question: RightsQuestion) => Promise<string> = () => Promise.resolve(""),
): Promise<Injected> {
  const problems: Problem[] = [];
  const streams = texts.map((each) => withoutEarlier(each, options, problems));
  if (problems.length > 0) throw new ManifestError(problems);
  const objects = streams.flatMap((stream) => stream.objects);
  const workloads = streams.flatMap((stream) => stream.workloads);
  const chosen = choose(workloads, options.only, texts);

  const injections = chosen.flatMap((workload) =>
    INJECTABLES.flatMap((injectable) => planInjection(workload, injectable, options) ?? []),
  );
  if (injections.length === 0) {
    throw new OutriggerError(
      "usage",
      `nothing says what to add: give --ambassador ROUTE, --gate ROUTE, --leader-elector FLAG or --work-queue FLAG, or the annotation ${INJECTABLES.map(annotationOf).join(", ")} or ${GATE_ANNOTATION} on a pod template`,
    );
  }
  for (const injection of injections) problems.push(...injection.problems);
  if (problems.length > 0) throw new ManifestError(problems);
  await askAll(injections, options, objects, ask);

  const notes: string[] = [];
  const outputs = streams.map((stream) => writeAll(stream, injections, options, notes, problems));
  if (problems.length > 0) throw new ManifestError(problems);
  const grants = injections.flatMap((injection) => injection.grants);
  const printed = new Set<string>();
  for (const injection of injections) {
    notes.push(...notesOf(injection, options, objects));
    const question = rightsQuestion(injection, options, objects);
    if (question === undefined) {
      notes.push(
        `${injection.workload.label}: what rights the ConfigMap of ${containerName(injection.sidecar.injectable)} asks for is not seen here: give its manifest, too`,
      );
      continue;
    }
    const manifest = await rights(question);
    if (manifest === "") continue;
    printed.add(manifest);
    notes.push(`${injection.workload.label}: ${printedNote(question, manifest)}`);
  }
  return { output: joined(outputs), notes, rbac: rbacManifest(grants) + [...printed].join("") };
}

/** Takes out what inject has added, and nothing else. */
export function uninject(texts: readonly ManifestText[], only: readonly string[]): Injected {
  const problems: Problem[] = [];
  const notes: string[] = [];
  const streams = texts.map(({ file, text }) => readStream(file, text, problems));
  if (problems.length > 0) throw new ManifestError(problems);
  const workloads = streams.flatMap((stream) => stream.workloads);
  const chosen = new Set(choose(workloads, only, texts));
  const outputs = streams.map((stream) => {
    const parts = stream.workloads.flatMap((workload) => {
      if (!chosen.has(workload)) return [];
      const found = removalsOf(workload, stream.text);
      const said = found.length > 0 ? "what inject had added is taken out" : "inject has added nothing to it";
      notes.push(`${workload.label}: ${said}`);
      return found;
    });
    return removeText(stream.text, parts);
  });
  return { output: joined(outputs), notes, rbac: "" };
}

interface Stream {
  readonly file: string;
  readonly text: string;
  readonly documents: readonly ManifestDocument[];
  readonly objects: readonly ManifestObject[];
  readonly workloads: readonly Workload[];
}

function readStream(file: string, text: string, problems: Problem[]): Stream {
  const documents = readDocuments(file, text, problems);
  const objects = documents.flatMap((document) => [...objectsOf(document)]);
  return { file, text, documents, objects, workloads: objects.flatMap((object) => workloadOf(object) ?? []) };
}

function withoutEarlier({ file, text }: ManifestText, options: InjectOptions, problems: Problem[]): Stream {
  const stream = readStream(file, text, problems);
  const parts = stream.workloads
    .filter((workload) => isChosen(workload, options.only))
    .flatMap((workload) => {
      const asked = INJECTABLES.filter((injectable) => isAsked(workload, injectable, options));
      return removalsOf(workload, text, asked);
    });
  return parts.length === 0 ? stream : readStream(file, removeText(text, parts), problems);
}

const isChosen = (workload: Workload, only: readonly string[]): boolean =>
  only.length === 0 || isNamed(workload, only);

/** --only must name something: a slip of the pen would leave a pod as it is. */
function choose(
  workloads: readonly Workload[],
  only: readonly string[],
  texts: readonly ManifestText[],
): Workload[] {
  if (workloads.length === 0) {
    throw new OutriggerError(
      "bad-manifest",
      `${texts.map(({ file }) => file).join(", ")}: found nothing that makes pods, accepted: ${WORKLOAD_KINDS.join(", ")}, or a List of them`,
    );
  }
  const idle = only.filter((word) => !workloads.some((workload) => isNamed(workload, [word])));
  if (idle.length > 0) {
    throw new OutriggerError(
      "usage",
      `--only ${idle.join(", ")}: there is no such workload; there are: ${workloads.map(({ label }) => label).join(", ")}`,
    );
  }
  return workloads.filter((workload) => isChosen(workload, only));
}

/** Each different set of arguments once: a start of Node takes its time. */
async function askAll(
  injections: readonly Injection[],
  options: InjectOptions,
  objects: readonly ManifestObject[],
  ask: (question: Question) => Promise<string | undefined>,
): Promise<void> {
  const asked = new Set<string>();
  for (const injection of injections) {
    const { workload, routesAt } = injection;
    const question = questionOf(injection, options, objects);
    // What cannot be seen from here, the pattern says when it starts.
    if (question === undefined) continue;
    const key = JSON.stringify(question);
    if (asked.has(key)) continue;
    asked.add(key);
    const said = await ask(question);
    if (said === undefined) continue;
    const [at] = routesAt;
    // A flag's mistake is every pod's; an annotation's has a place.
    throw at === undefined
      ? new OutriggerError("usage", said)
      : new ManifestError([workload.document.problem(at, said)]);
  }
}

/**
 * @returns undefined where its ConfigMap is not in the input
 * @throws ManifestError for a key that it has not
 */
function questionOf(
  { workload, sidecar }: Injection,
  options: InjectOptions,
  objects: readonly ManifestObject[],
): Question | undefined {
  const { pattern } = sidecar.injectable;
  const args = sidecar.args.filter((word) => !word.startsWith("--config="));
  const configMap = options.configMaps.get(pattern.name);
  if (configMap === undefined) return { pattern, args };
  const found = objects.find(
    ({ kind, name, namespace }) =>
      kind === "ConfigMap" && name === configMap.name && namespace === workload.namespace,
  );
  const data = fields(found?.value["data"]);
  if (found && data[configMap.key] === undefined) {
    throw new ManifestError([
      found.document.problem(
        [...found.path, "data"],
        `has no key ${configMap.key}, which --config-map names; there are: ${Object.keys(data).join(", ")}`,
      ),
    ]);
  }
  const config = textOf(data[configMap.key]);
  return config === undefined ? undefined : { pattern, args, config };
}

/** One pattern after the other, the last first: each stands at the head of what is there. */
function writeAll(
  stream: Stream,
  injections: readonly Injection[],
  options: InjectOptions,
  notes: string[],
  problems: Problem[],
): string {
  // By place, since each writing makes new objects of the same text.
  const placeIn = ({ documents }: Stream, { document, path }: Workload): string =>
    JSON.stringify([documents.indexOf(document), path]);
  const wanted = new Set(
    injections.flatMap(({ workload }) =>
      stream.documents.includes(workload.document) ? [placeIn(stream, workload)] : [],
    ),
  );
  let now = stream;
  for (const injectable of [...INJECTABLES].reverse()) {
    const mine = now.workloads
      .filter((workload) => wanted.has(placeIn(now, workload)))
      .flatMap((workload) => planInjection(workload, injectable, options) ?? []);
    if (mine.length === 0) continue;
    const text = write(now, mine, options, notes, problems);
    if (problems.length > 0) return text;
    now = readStream(stream.file, text, problems);
  }
  return now.text;
}

function write(
  stream: Stream,
  injections: readonly Injection[],
  options: InjectOptions,
  notes: string[],
  problems: Problem[],
): string {
  const insertions: Insertion[] = [];
  const work: { document: ManifestDocument; expected: readonly Expected[] }[] = [];
  for (const injection of injections) {
    const { document } = injection.workload;
    if (!stream.documents.includes(document)) continue;
    const made = insertionsOf(injection, stream.text, options, notes);
    if ("problems" in made) problems.push(...made.problems);
    else {
      insertions.push(...made.insertions);
      work.push({ document, expected: made.expected });
    }
  }
  if (problems.length > 0) return stream.text;
  return insertChecked(stream.file, stream.text, stream.documents, work, insertions);
}

function notesOf(
  { workload, sidecar, gates, notes, grants }: Injection,
  options: InjectOptions,
  objects: readonly ManifestObject[],
): string[] {
  const kind = options.classic ? "container" : "native sidecar";
  return [
    `added as a ${kind}: ${[containerName(sidecar.injectable), ...sidecar.args].join(" ")}`,
    ...notes,
    ...(gates.length > 0
      ? serviceNotes(workload, gates, objects, sidecar.injectable.pattern.name === QUEUE ? "queue" : "gate")
      : []),
    ...grants.map(grantNote),
  ].map((note) => `${workload.label}: ${note}`);
}

/** What a pattern needs of the API server that no route says. */
function rightsQuestion(
  injection: Injection,
  options: InjectOptions,
  objects: readonly ManifestObject[],
): RightsQuestion | undefined {
  const { workload } = injection;
  const spec = fields(workload.template["spec"]);
  const question = questionOf(injection, options, objects);
  return (
    question && {
      ...question,
      namespace: workload.namespace ?? "default",
      serviceAccount: textOf(spec["serviceAccountName"]) ?? textOf(spec["serviceAccount"]) ?? "default",
    }
  );
}

/** As one stream: a document's end where the next file does not begin with one. */
function joined(outputs: readonly string[]): string {
  return outputs.reduce((before, next) => {
    const broken = before.endsWith("\n") || before === "" ? before : `${before}\n`;
    return broken + (next.startsWith("---") || before === "" ? "" : "---\n") + next;
  }, "");
}
