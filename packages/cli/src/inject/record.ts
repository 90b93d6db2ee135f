/**
 * What inject has added to a pod template, written down in the container that it added: an environment variable of
 * that container, so that the record goes with what it records, survives every cluster's reformatting, and each
 * pattern has its own. Paths from the template, blanks between; list items by the key that Kubernetes merges them by;
 * `+` before what inject has made: `spec/+initContainers/+outrigger-ambassador spec/containers/web/+lifecycle/+preStop`.
 */
import type { Path } from "../manifest/document.ts";

export const RECORD_VARIABLE = "OUTRIGGER_INJECTED";

/** A step of a record's path, and what was added further inside. Without any: it was added as a whole. */
export interface Recorded {
  made: boolean;
  readonly inside: Map<string, Recorded>;
}

/** How Kubernetes tells the items of a list apart (its patchMergeKey); null: by the item itself. */
export function identityKey(list: string): string | null {
  return list === "hostAliases" ? "ip" : list === "hostnames" ? null : "name";
}

/** One path; `there` steps of it were there before. */
export function recordPath(steps: readonly string[], there: number): string {
  return steps.map((step, index) => `${index < there ? "" : "+"}${escape(step)}`).join("/");
}

const escape = (step: string): string =>
  step.replace(/[~/+\s]/g, (mark) =>
    mark === "~" ? "~0" : mark === "/" ? "~1" : mark === "+" ? "~2" : "~3",
  );
const unescape = (step: string): string =>
  step.replace(/~[0-3]/g, (code) => ({ "~0": "~", "~1": "/", "~2": "+", "~3": " " })[code] ?? code);

export function readRecords(records: readonly string[]): Recorded {
  const root: Recorded = { made: false, inside: new Map() };
  for (const path of records.flatMap((record) => record.split(/\s+/).filter(Boolean))) {
    let at = root;
    for (const written of path.split("/")) {
      const made = written.startsWith("+");
      const step = unescape(made ? written.slice(1) : written);
      const next = at.inside.get(step) ?? { made: false, inside: new Map<string, Recorded>() };
      next.made ||= made;
      at.inside.set(step, next);
      at = next;
    }
  }
  return root;
}

/** The same path as a record has it: list positions by their items' identity. */
export function stepsOf(path: Path, template: unknown): string[] {
  let [value, list] = [template, ""];
  return path.map((step) => {
    if (typeof step === "string") {
      value = (value as Record<string, unknown> | null | undefined)?.[step];
      list = step;
      return step;
    }
    value = (value as readonly unknown[] | undefined)?.[step];
    return identityOf(value, list);
  });
}

export function identityOf(item: unknown, list: string): string {
  const key = identityKey(list);
  return String(key === null ? item : (item as Record<string, unknown> | null | undefined)?.[key]);
}
