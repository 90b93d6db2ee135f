/** `outrigger check`: reads manifests, says everything that is wrong with the patterns in them, and how bad that is. */
import { ManifestError, type ManifestText } from "../manifest/load.ts";
import {
  formatProblem,
  readDocuments,
  type ManifestDocument,
  type Path,
  type Problem,
} from "../manifest/document.ts";
import { readManifest } from "../prepare.ts";
import type { Severity, Spot } from "./finding.ts";
import { FINDINGS } from "./findings.ts";
import { factsOf, type AskPattern } from "./pattern-facts.ts";
import { readStream } from "./stream.ts";

export interface Found extends Problem {
  readonly id: string;
  readonly severity: Severity;
  readonly below: readonly string[];
}

export interface CheckResult {
  /** In the order of the input. */
  readonly found: readonly Found[];
  readonly pods: number;
  readonly patterns: number;
}

export interface CheckOptions {
  /** `-`: standard input. */
  readonly files: readonly string[];
}

/** @throws ManifestError where a text is no YAML: nothing is said of half an input then */
export async function checkManifests(
  texts: readonly ManifestText[],
  ask: AskPattern = factsOf,
): Promise<CheckResult> {
  const problems: Problem[] = [];
  const documents = texts.flatMap(({ file, text }) => readDocuments(file, text, problems));
  if (problems.length > 0) throw new ManifestError(problems);
  const stream = await readStream(documents, ask);
  const lines = new Map(texts.map(({ file, text }) => [file, text.split("\n")]));
  const found: Found[] = [];
  const said = new Set<string>();
  for (const pod of stream.pods) {
    for (const { id, severity, find } of FINDINGS) {
      for (const { document, path, message, below = [], within } of find(pod, stream)) {
        const problem = { ...document.problem(path, message), ...placeOf(document, path, within, lines) };
        // What two pods share, a Service or a ConfigMap, is wrong once.
        const key = `${formatProblem(problem)} ${id}`;
        if (said.has(key)) continue;
        said.add(key);
        found.push({ ...problem, id, severity, below });
      }
    }
  }
  const order = texts.map(({ file }) => file);
  found.sort(
    (a, b) => order.indexOf(a.file) - order.indexOf(b.file) || a.line - b.line || a.column - b.column,
  );
  return {
    found,
    pods: stream.pods.length,
    patterns: stream.pods.reduce((sum, { patterns }) => sum + patterns.length, 0),
  };
}

/** A place within a text is one of the file only where the text stands in a literal block. */
function placeOf(
  document: ManifestDocument,
  path: Path,
  within: Spot["within"],
  lines: ReadonlyMap<string, readonly string[]>,
): Partial<Pick<Problem, "line" | "column">> {
  const before = within && document.lineOfBlock(path);
  if (within === undefined || before == null) return {};
  const text = lines.get(document.file) ?? [];
  const first = text.slice(before).find((line) => line.trim() !== "") ?? "";
  return { line: before + within.line, column: first.length - first.trimStart().length + within.column };
}

/** Findings on stdout, one a line and all of them; how many there are on stderr. @returns the exit code */
export async function check(
  { files }: CheckOptions,
  print: (line: string) => void,
  complain: (sentence: string) => void,
): Promise<number> {
  const { found, pods, patterns } = await checkManifests(files.map(readManifest));
  for (const each of found) {
    print(formatFound(each));
    for (const line of each.below) print(line);
  }
  const count = (severity: Severity): number => found.filter((each) => each.severity === severity).length;
  const [errors, warnings] = [count("error"), count("warning")];
  complain(
    patterns === 0
      ? `${many(pods, "pod")}, and no pattern of Outrigger in ${pods === 1 ? "it" : "them"}: nothing to check`
      : `${many(pods, "pod")}, ${many(patterns, "pattern container")}: ${many(errors, "error")}, ${many(warnings, "warning")}`,
  );
  return errors > 0 ? 1 : 0;
}

/** `file:line:col: path: message (id)`; what is no error says so before its message. */
export function formatFound(found: Found): string {
  const kind = found.severity === "error" ? "" : `${found.severity}: `;
  return `${formatProblem({ ...found, message: `${kind}${found.message}` })} (${found.id})`;
}

const many = (count: number, noun: string): string => `${count} ${noun}${count === 1 ? "" : "s"}`;
