/** zod's issues as sentences: what was found, what is accepted. */
import type * as z from "zod";
import { didYouMean } from "./did-you-mean.ts";
import {
  acceptsPhrase,
  alternatives,
  childSchemas,
  knownKeys,
  schemasAt,
  TYPE_PHRASE,
  type JsonSchema,
} from "./json-schema.ts";
import { hideQuoted, hideUserinfo } from "./redact.ts";
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
  return [{ path, message: sentence(issue, input, path, root), of: "value" }];
}

function isRootMismatch(issue: Issue): boolean {
  return issue.path.length === 0 && (issue.code === "invalid_type" || issue.code === "invalid_value");
}

function sentence(issue: Issue, input: unknown, path: readonly PropertyKey[], root: JsonSchema): string {
  const value = valueAt(input, path);
  const schemas = schemasAt(root, path);
  const secret = isSecret(path, root);
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
      return hideQuoted(issue.message, value ?? nearestValue(input, path), secret);
    default:
      return `${found}: ${hideQuoted(issue.message, value, secret)}`;
  }
}

/** Secret is what its name or its schema says to be so, and all below it: an item of `tokens`, a key of `secret`. */
function isSecret(path: readonly PropertyKey[], root: JsonSchema): boolean {
  let schemas: JsonSchema[] = [root];
  for (const key of path) {
    if (typeof key === "string" && looksSecret(key)) return true;
    schemas = childSchemas(schemas, key, root);
    if (schemas.some((schema) => [...alternatives(schema, root)].some((part) => part.secret === true)))
      return true;
  }
  return false;
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
  const text = JSON.stringify(typeof value === "string" ? hideUserinfo(value) : value) ?? typeof value;
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

/** What stands at the path, or what the schema made it from: a list's item may come from one text with commas. */
function nearestValue(input: unknown, path: readonly PropertyKey[]): unknown {
  for (let length = path.length; length > 0; length--) {
    const value = valueAt(input, path.slice(0, length));
    if (value !== undefined) return value;
  }
  return undefined;
}

/** A list that fits on a screen; a long one would bury the problem that it explains. */
const MOST_KEYS = 20;

function listKeys(known: readonly string[]): string {
  if (known.length <= MOST_KEYS) return known.join(", ");
  return `one of ${known.length} keys, which --help lists`;
}
