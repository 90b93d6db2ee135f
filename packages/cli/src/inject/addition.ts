/** Where in the text of a manifest a key or an item can be added by whole lines, what must be made around it, and its lines. */
import { isAlias, isMap, isScalar, isSeq, type Node, type Pair } from "yaml";
import { formatPath, type ManifestDocument, type Path, type Problem } from "../manifest/document.ts";
import { itemLines, jsonLines, keyLines, type Style, type Value } from "./emit.ts";
import { columnOf, lineEnd, restOfLine, type Insertion } from "./lines.ts";

/** What is there after the addition: items at the head of the list at that path, or the value of a new key. */
export type Added = { readonly items: readonly Value[] } | { readonly value: Value };

/** A place in the text that an addition to a path can take. */
export interface Place {
  /** How many steps of the path are there already; the others are made with the addition. */
  readonly there: number;
  insertion(added: Added): Insertion;
}

/** The pair whose value a node is, where it is one. */
interface At {
  readonly node: unknown;
  readonly header: Pair | undefined;
  readonly path: Path;
}

/** Finds the place for an addition; @returns a problem where it would take a change of a line, or reach further than this pod. */
export function findPlace(
  document: ManifestDocument,
  text: string,
  base: Path,
  path: Path,
  style: Style,
): Place | Problem {
  const whole = [...base, ...path];
  let at: At = { node: document.root, header: undefined, path: [] };
  for (const [index, step] of whole.entries()) {
    const shared = sharing(document, at);
    if (shared) return shared;
    const { node } = at;
    if (isEmpty(node)) return below(document, text, at, whole.slice(index), style, index - base.length);
    if (isSeq(node) && typeof step === "number" && node.items[step] !== undefined) {
      at = { node: node.items[step], header: undefined, path: whole.slice(0, index + 1) };
      continue;
    }
    if (isScalar(node) && node.value === null) return refuse(document, at, WRITTEN_NULL);
    if (!isMap(node) || typeof step !== "string")
      return refuse(document, at, "is not what Kubernetes has here");
    const own = node.items.find((pair) => document.keyOf(pair) === step);
    if (!own && document.pairs(node).has(step)) {
      return refuse(
        document,
        { ...at, path: whole.slice(0, index + 1) },
        "comes in by <<, and a key of its own would take its place: write it out beside the <<",
      );
    }
    if (!own) return keyInside(document, text, at, whole.slice(index), style, index - base.length);
    at = { node: own.value, header: own, path: whole.slice(0, index + 1) };
  }
  const shared = sharing(document, at);
  if (shared) return shared;
  if (isEmpty(at.node)) return below(document, text, at, [], style, path.length);
  if (isScalar(at.node) && at.node.value === null) return refuse(document, at, WRITTEN_NULL);
  if (!isSeq(at.node)) return refuse(document, at, "is there already");
  return itemsInside(document, text, at, style, path.length);
}

const WRITTEN_NULL =
  "is null: delete the word (Kubernetes reads a key without a value the same), or in JSON the whole key";

/** A value that is not written at all: `annotations:` and nothing behind it. */
function isEmpty(node: unknown): boolean {
  return node === null || (isScalar(node) && node.value === null && (node.source ?? "") === "");
}

/** What is added inside an anchor that others use would be added to them, too. */
function sharing(document: ManifestDocument, at: At): Problem | undefined {
  if (isAlias(at.node)) {
    return refuse(
      document,
      at,
      `is the alias *${at.node.source}: what is added would be added wherever &${at.node.source} is used; write it out here`,
    );
  }
  const [user] = document.usersOf(at.node);
  if (!user) return undefined;
  const { line, column } = document.position(user);
  return refuse(
    document,
    at,
    `is &${user.source}, which ${document.file}:${line}:${column} uses, too: what is added would be added there; write it out there`,
  );
}

function refuse(document: ManifestDocument, at: At, message: string): Problem {
  return document.problem(at.path, message, at.node ?? at.header);
}

/** `[a, b]`, value -> `{ b: value }` for the key a. */
function wrapped(path: Path, added: Added): Value {
  let value: Value = "items" in added ? added.items : added.value;
  for (const step of [...path].reverse()) value = { [step]: value };
  return value;
}

const startOf = (node: unknown): number => (node as Node | null)?.range?.[0] ?? 0;
const endOf = (node: unknown): number => (node as Node | null)?.range?.[1] ?? 0;

/** Under a key without a value. */
function below(
  document: ManifestDocument,
  text: string,
  at: At,
  path: Path,
  style: Style,
  there: number,
): Place | Problem {
  const key = at.header?.key;
  if (!key || !/^\s*:\s*(#.*)?$/.test(restOfLine(text, endOf(key)))) {
    return refuse(document, at, "has no value, and no room for one below it: write it in block style");
  }
  const column = columnOf(text, startOf(key));
  return {
    there,
    insertion: (added) => ({
      at: lineEnd(text, endOf(key)),
      lines:
        path.length === 0 && "items" in added
          ? itemLines(added.items, column + style.list, style)
          : keyLines(String(path[0]), wrapped(path.slice(1), added), column + style.step, style),
    }),
  };
}

function keyInside(
  document: ManifestDocument,
  text: string,
  at: At,
  path: Path,
  style: Style,
  there: number,
): Place | Problem {
  if (!isMap(at.node)) return refuse(document, at, "is no mapping");
  const first = at.node.items[0];
  const key = String(path[0]);
  if (at.node.flow) {
    const room = flowRoom(document, text, at, style);
    if ("message" in room) return room;
    return {
      there,
      insertion: (added) => ({
        at: room.at,
        lines: jsonLines(
          [[key, wrapped(path.slice(1), added)]],
          room.column,
          style.step,
          first !== undefined,
        ),
      }),
    };
  }
  if (!first) return refuse(document, at, "is no mapping");
  // The first thing below a key: what comments there are stay with what follows them. In a list's item the first key
  // stands beside the dash, and ours come after it.
  const after = at.header ? endOf(at.header.key) : endOfLast(first);
  if (at.header && lineEnd(text, after) > startOf(first.key))
    return refuse(document, at, "begins on the line of its key: write it in block style");
  const column = columnOf(text, startOf(first.key));
  return {
    there,
    insertion: (added) => ({
      at: lineEnd(text, after),
      lines: keyLines(key, wrapped(path.slice(1), added), column, style),
    }),
  };
}

function itemsInside(
  document: ManifestDocument,
  text: string,
  at: At,
  style: Style,
  there: number,
): Place | Problem {
  if (!isSeq(at.node)) return refuse(document, at, "is no list");
  const followed = at.node.items.length > 0;
  if (at.node.flow) {
    const room = flowRoom(document, text, at, style);
    if ("message" in room) return room;
    return {
      there,
      insertion: (added) => ({
        at: room.at,
        lines: jsonLines(membersOf(added), room.column, style.step, followed),
      }),
    };
  }
  const dash = startOf(at.node);
  const header = at.header ? lineEnd(text, endOf(at.header.key)) : dash + 1;
  if (header > dash) return refuse(document, at, "begins on the line of its key: write it in block style");
  return {
    there,
    insertion: (added) => ({
      at: header,
      lines: itemLines(
        membersOf(added).map(([, value]) => value),
        columnOf(text, dash),
        style,
      ),
    }),
  };
}

function membersOf(added: Added): (readonly [null, Value])[] {
  return ("items" in added ? added.items : [added.value]).map((value) => [null, value]);
}

/** The line behind an opening bracket, where nothing else stands behind it: `{` in JSON as jq and kubectl write it. */
function flowRoom(
  document: ManifestDocument,
  text: string,
  at: At,
  style: Style,
): { readonly at: number; readonly column: number } | Problem {
  const open = startOf(at.node);
  if (!/^\s*(#.*)?$/.test(restOfLine(text, open + 1))) {
    const shown = restOfLine(text, open);
    const empty = /^(\{\s*\}|\[\s*\])/.exec(shown)?.[0];
    const last = formatPath(at.path.slice(-1));
    // In JSON nothing can be without a value.
    const json = isMap(document.root) && document.root.flow === true;
    const remedy = json
      ? "break the line behind its opening bracket, and before the closing one"
      : empty === undefined
        ? "write it in block style (a line for each)"
        : `delete the ${empty} (Kubernetes reads ${last}: without a value the same)`;
    return refuse(document, at, `is written on one line, to which inject adds nothing: ${remedy}`);
  }
  const first = (at.node as { items: readonly (Pair | Node)[] }).items[0];
  const start = startOf(first && "key" in first ? first.key : first);
  const column = first ? columnOf(text, start) : columnOf(text, endOf(at.node) - 1) + style.step;
  return { at: lineEnd(text, open), column };
}

/** The last offset that belongs to what a pair or node has written, comments not counted. */
export function endOfLast(part: unknown): number {
  if (part !== null && typeof part === "object" && "key" in part) {
    const { key, value } = part as Pair;
    return isEmpty(value) ? endOf(key) : endOfLast(value);
  }
  if ((isMap(part) || isSeq(part)) && !part.flow && part.items.length > 0)
    return endOfLast(part.items.at(-1));
  // A block scalar ends where the next line begins.
  const end = endOf(part);
  return isScalar(part) && part.type?.startsWith("BLOCK") === true ? end - 1 : end;
}
