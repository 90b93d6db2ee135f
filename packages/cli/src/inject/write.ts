/** Writes planned injections into a text, and takes recorded ones out of it; each result is checked against its plan. */
import { isDeepStrictEqual } from "node:util";
import { isMap, isSeq } from "yaml";
import { readDocuments, type ManifestDocument, type Path, type Problem } from "../manifest/document.ts";
import { findPlace, type Added, type Place } from "./addition.ts";
import type { Style } from "./emit.ts";
import { columnOf, insertLines, type Insertion, type Removal } from "./lines.ts";
import type { InjectOptions } from "./options.ts";
import { containerName, INJECTABLES, type Injectable } from "./pattern-table.ts";
import type { Injection } from "./plan.ts";
import { identityKey, readRecords, recordPath, RECORD_VARIABLE, stepsOf } from "./record.ts";
import { removals } from "./removal.ts";
import { sidecarContainer } from "./sidecar.ts";
import { fields, list, text as textOf, type Workload } from "../manifest/workload.ts";

/** @returns the insertions, or every problem */
export function insertionsOf(
  injection: Injection,
  text: string,
  options: InjectOptions,
  notes: string[],
): { readonly insertions: Insertion[]; readonly expected: Expected[] } | { readonly problems: Problem[] } {
  const { workload, sidecar } = injection;
  const { document, templatePath } = workload;
  const style = styleOf(workload, text);
  const problems: Problem[] = [];
  const insertions: Insertion[] = [];
  const records: string[] = [];
  const expected: Expected[] = [];
  // Two additions can meet the same obstacle.
  const refuse = (problem: Problem): void => {
    if (!problems.some((each) => isDeepStrictEqual(each, problem))) problems.push(problem);
  };
  const find = (path: Path): Place | Problem => findPlace(document, text, templatePath, path, style);
  for (const { path, added, optional, purpose } of injection.additions) {
    const place = find(path);
    if ("message" in place) {
      if (optional) notes.push(`without ${String(path.at(-1))}: ${place.path} ${place.message}`);
      else refuse(purpose === undefined ? place : { ...place, message: `${place.message}; ${purpose}` });
      continue;
    }
    records.push(...recordsOf(path, place.there, added, workload.template));
    insertions.push(place.insertion(added));
    expected.push({ path: [...templatePath, ...path], added });
  }
  const at = injection.containerPath;
  const place = find(at);
  if ("message" in place) {
    refuse(place);
    return { problems };
  }
  const name = containerName(sidecar.injectable);
  records.unshift(recordPath([...stepsOf(at, workload.template), name], place.there));
  const container = sidecarContainer(sidecar, options, records.join(" "));
  // It stands before what serves it; the check adds it last, because it moves the containers' numbers.
  insertions.unshift(place.insertion({ items: [container] }));
  expected.push({ path: [...templatePath, ...at], added: { items: [container] } });
  return problems.length > 0 ? { problems } : { insertions, expected };
}

/** A list's entries each on their own, so that what somebody else adds beside them stays. */
function recordsOf(path: Path, there: number, added: Added, template: unknown): string[] {
  const steps = stepsOf(path, template);
  if ("value" in added) return [recordPath(steps, there)];
  const key = identityKey(String(path.at(-1)));
  return added.items.flatMap((item) => {
    const id = String(key === null ? item : fields(item)[key]);
    const names = list(fields(item)["hostnames"]);
    return names.length === 0
      ? [recordPath([...steps, id], there)]
      : names.map((name) => recordPath([...steps, id, "hostnames", String(name)], there));
  });
}

/** What is to be found at a path of the result. */
export interface Expected {
  readonly path: Path;
  readonly added: Added;
}

/** As the pod spec is indented. */
function styleOf({ document, templatePath }: Workload, text: string): Style {
  let at: unknown = document.root;
  let step = 2;
  const column = (node: unknown): number =>
    columnOf(text, (node as { range?: number[] } | null)?.range?.[0] ?? 0);
  const style = { list: 0, dash: 2 };
  for (const part of [...templatePath, "spec", "containers"]) {
    const node = document.resolve(at);
    if (isSeq(node) && typeof part === "number") at = node.items[part];
    if (!isMap(node)) continue;
    const pair = node.items.find((each) => document.keyOf(each) === part);
    const value = document.resolve(pair?.value);
    if (pair && isMap(value) && value.items[0]) step = column(value.items[0].key) - column(pair.key);
    if (pair && isSeq(value) && !value.flow) {
      style.list = column(value) - column(pair.key);
      const first = document.resolve(value.items[0]);
      if (isMap(first) && first.items[0]) style.dash = column(first.items[0].key) - column(value);
    }
    at = pair?.value;
  }
  const within = (value: number, least: number): number => (value >= least && value <= 8 ? value : 2);
  return { step: within(step, 1), list: within(style.list, 0), dash: within(style.dash, 2) };
}

/** Of the containers that carry a record. @param of these patterns */
function recordsIn(workload: Workload, of: readonly Injectable[] = INJECTABLES): string[] {
  const spec = fields(workload.template["spec"]);
  const names = new Set(of.map(containerName));
  return ["initContainers", "containers"].flatMap((key) =>
    list(spec[key])
      .map(fields)
      .filter(({ name }) => names.has(textOf(name) ?? ""))
      .flatMap(({ env }) => list(env).map(fields))
      .filter(({ name }) => name === RECORD_VARIABLE)
      .flatMap(({ value }) => textOf(value) ?? []),
  );
}

/** What inject has added to a workload, as parts of the text. @param of for these patterns */
export function removalsOf(
  workload: Workload,
  text: string,
  of: readonly Injectable[] = INJECTABLES,
): Removal[] {
  const records = recordsIn(workload, of);
  if (records.length === 0) return [];
  let at: unknown = workload.document.root;
  for (const step of workload.templatePath) {
    const node = workload.document.resolve(at);
    if (isSeq(node)) at = node.items[step as number];
    else if (isMap(node)) at = workload.document.pairs(node).get(step as string)?.value;
  }
  return removals(workload.document, text, workload.document.resolve(at), readRecords(records));
}

/**
 * Adds the lines and reads the result again: it must be the original with exactly what was expected in it.
 * @throws Error where it is not: nothing is written then
 */
export function insertChecked(
  file: string,
  text: string,
  documents: readonly ManifestDocument[],
  work: readonly { readonly document: ManifestDocument; readonly expected: readonly Expected[] }[],
  insertions: readonly Insertion[],
): string {
  const result = insertLines(text, insertions);
  const problems: Problem[] = [];
  const after = readDocuments(file, result, problems).map((document) => document.plain(document.root));
  const before = documents.map((document) => {
    const value = document.plain(document.root);
    for (const { expected } of work.filter((each) => each.document === document))
      for (const { path, added } of expected) place(value, path, added);
    return value;
  });
  if (problems.length > 0 || !isDeepStrictEqual(after, before)) {
    throw new Error(
      `${file}: the lines that inject would add do not say what they should; nothing is written. Please report this, with the manifest`,
    );
  }
  return result;
}

function place(root: unknown, path: Path, added: Added): void {
  const last = path.at(-1) as string;
  let at = root as Record<string | number, unknown>;
  for (const step of path.slice(0, -1)) at = (at[step] ??= {}) as Record<string | number, unknown>;
  at[last] = "items" in added ? [...added.items, ...list(at[last])] : added.value;
}
