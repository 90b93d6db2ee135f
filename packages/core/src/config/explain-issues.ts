/** zod's issues as sentences: what was found, what is accepted. */
import type { z } from "zod";
import { didYouMean } from "./did-you-mean.ts";
import {
  acceptsPhrase,
  alternatives,
  knownKeys,
  schemasAt,
  TYPE_PHRASE,
  type JsonSchema,
} from "./json-schema.ts";
import { looksSecret } from "./route-line.ts";

type Issue = z.core.$ZodIssue;

export interface ExplainedIssue {
  readonly path: readonly PropertyKey[];
  readonly message: string;
  /** The key itself is wrong, not its value. */
  readonly of: "key" | "value";
}

export function explainIssues(issues: readonly Issue[], input: unknown, root: JsonSchema): ExplainedIssue[] {
  return issues.flatMap((issue) => explain(issue, issue.path, input, root));
}

function explain(
  issue: Issue,
  path: readonly PropertyKey[],
  input: unknown,
  root: JsonSchema,
): ExplainedIssue[] {
  if (issue.code === "unrecognized_keys") {
    const known = knownKeys(root, path);
    return issue.keys.map((key) => ({
      path: [...path, key],
      message: `unknown key${didYouMean(key, known)}, accepted: ${listKeys(known)}`,
      of: "key",
    }));
  }
  const value = valueAt(input, path);
  if (issue.code === "invalid_union" && !issue.message.startsWith("accepted: ") && value !== undefined) {
    // A branch that takes this type of value but not its content says more than "none of these fits".
    const close = issue.errors.filter((branch) => !branch.some((inner) => isRootMismatch(inner)));
    const nearest = close.sort((left, right) => left.length - right.length)[0];
    if (nearest && nearest.length > 0) {
      return nearest.flatMap((inner) => explain(inner, [...path, ...inner.path], input, root));
    }
  }
  return [{ path, message: sentence(issue, value, path, root), of: "value" }];
}

function isRootMismatch(issue: Issue): boolean {
  return issue.path.length === 0 && (issue.code === "invalid_type" || issue.code === "invalid_value");
}

function sentence(issue: Issue, value: unknown, path: readonly PropertyKey[], root: JsonSchema): string {
  const schemas = schemasAt(root, path);
  const secret =
    looksSecret(String(path.at(-1) ?? "")) ||
    schemas.some((schema) => [...alternatives(schema, root)].some((part) => part.secret === true));
  const found =
    value === undefined ? "missing" : `found ${secret ? "a value that is not shown" : describe(value)}`;
  if (issue.message.startsWith("accepted: ")) return `${found}, ${issue.message}`;
  switch (issue.code) {
    case "invalid_type": {
      const phrase = schemas.map(acceptsPhrase).find((text) => text !== "any value");
      return `${found}, accepted: ${phrase ?? TYPE_PHRASE[issue.expected] ?? issue.expected}`;
    }
    case "invalid_value":
      return `${found}, accepted: ${issue.values.map((item) => JSON.stringify(item)).join(", ")}`;
    case "invalid_union":
      return `${found}, accepted: ${[...new Set(schemas.map(acceptsPhrase))].join(", or ") || issue.message}`;
    case "too_small":
      return `${found}, accepted: at least ${String(issue.minimum)}${COUNTED[issue.origin] ?? ""}`;
    case "too_big":
      return `${found}, accepted: at most ${String(issue.maximum)}${COUNTED[issue.origin] ?? ""}`;
    case "custom":
      return issue.message;
    default:
      return `${found}: ${issue.message}`;
  }
}

const COUNTED: Readonly<Record<string, string>> = {
  string: " characters",
  array: " items",
  set: " items",
  map: " entries",
};

function describe(value: unknown): string {
  if (value === null) return "nothing";
  if (Array.isArray(value)) return value.length === 0 ? "an empty list" : "a list";
  if (typeof value === "object") return "a mapping";
  const text = JSON.stringify(value) ?? typeof value;
  return text.length > 60 ? `${text.slice(0, 57)}...` : text;
}

export function valueAt(input: unknown, path: readonly PropertyKey[]): unknown {
  let at: unknown = input;
  for (const key of path) {
    if (typeof at !== "object" || at === null || !Object.hasOwn(at, key)) return undefined;
    at = (at as Record<PropertyKey, unknown>)[key];
  }
  return at;
}

/** A list that fits on a screen; a long one would bury the problem that it explains. */
const MOST_KEYS = 20;

function listKeys(known: readonly string[]): string {
  if (known.length <= MOST_KEYS) return known.join(", ");
  return `one of ${known.length} keys, which --help lists`;
}
