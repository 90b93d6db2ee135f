/** Layered configuration: flag > environment > file > default, validated whole, with every problem at its place. */
import type * as z from "zod";
import { explainIssues } from "./explain-issues.ts";
import { interpolate } from "./interpolate.ts";
import { inputJsonSchema } from "./json-schema.ts";
import { ConfigError, formatPath, type ConfigProblem } from "./problem.ts";
import { parseRouteColumns, pointAt, RouteLineError, type RouteColumns } from "./route-line.ts";

/** A text that sets one key, from a flag or an environment variable. */
export interface KeyText {
  /** `--log-level` or `OUTRIGGER_LOG_LEVEL` */
  readonly source: string;
  readonly key: readonly string[];
  readonly text: string;
}

export interface RouteText {
  readonly source: string;
  readonly text: string;
}

/** Everything that was given, each layer over the one before. */
export interface ConfigLayers {
  readonly file?: { readonly name: string; readonly text: string };
  /** OUTRIGGER_CONFIG; its top-level keys replace the file's. */
  readonly inline?: { readonly name: string; readonly text: string };
  /** Weakest first. */
  readonly keys?: readonly KeyText[];
  /** Replace the `routes` of file and inline when there is at least one. */
  readonly routes?: readonly RouteText[];
  /** What `${VAR}` in file and inline stands for. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Problems found before, reported together with those found here. */
  readonly problems?: readonly ConfigProblem[];
}

interface Place {
  readonly where: string;
  readonly excerpt?: string;
}
/** Who gave the value at a path (and all below it, unless a later origin did). */
interface Origin {
  readonly path: readonly PropertyKey[];
  locate(rest: readonly PropertyKey[], of: "key" | "value"): Place;
}

/**
 * Loads and validates.
 * @throws ConfigError `bad-config` with all problems
 */
export async function loadConfig<Schema extends z.ZodType>(
  schema: Schema,
  layers: ConfigLayers,
): Promise<z.output<Schema>> {
  const problems: ConfigProblem[] = [...(layers.problems ?? [])];
  const origins: Origin[] = [];
  const merged: Record<string, unknown> = {};
  let unreadable = false;
  const unreadRoutes = new Set<PropertyKey>();
  /** Options of routes that the schema does not know: nobody can say that their values are no secrets. */
  const unknown = new Set<string>();

  for (const [layer, isInline] of [
    [layers.file, false],
    [layers.inline, true],
  ] as const) {
    if (!layer) continue;
    // Loaded only where there is something to read: 40 ms and 8 MB that a container with routes as flags saves.
    const { readDocument } = await import("./document.ts");
    const read = readDocument(layer.text, layer.name);
    if ("problems" in read) {
      problems.push(...read.problems);
      unreadable = true;
      continue;
    }
    const { value, locate } = read.document;
    const at = (path: readonly PropertyKey[], of: "key" | "value"): Place => ({ where: locate(path, of) });
    const replaced = interpolateAll(value, layers.env ?? {}, [], (path, name) => {
      const message = `variable ${name} is not set: set it, write \${${name}:-default}, or $$ for a dollar sign`;
      problems.push({ ...at(path, "value"), key: formatPath(path), message });
    });
    if (!isInline) origins.push({ path: [], locate: at });
    for (const [key, item] of Object.entries(replaced as Record<string, unknown>)) {
      define(merged, key, item);
      if (isInline) origins.push({ path: [key], locate: (rest, of) => at([key, ...rest], of) });
    }
  }

  for (const { source, key, text } of layers.keys ?? []) {
    setAt(merged, key, text);
    origins.push({ path: key, locate: () => ({ where: source }) });
  }
  if (layers.routes && layers.routes.length > 0) {
    const routes: unknown[] = [];
    origins.push({ path: ["routes"], locate: () => ({ where: layers.routes?.[0]?.source ?? "" }) });
    for (const { source, text } of layers.routes) {
      try {
        const { route, columns } = parseRouteColumns(text);
        const index = routes.length;
        const hidden = (key: string): boolean =>
          key
            .split(".")
            .some((_, end, parts) => unknown.has(`${index}.${parts.slice(0, end + 1).join(".")}`));
        origins.push({
          path: ["routes", index],
          locate: (rest) => placeInRoute(source, text, columns, rest, hidden),
        });
        routes.push(route);
      } catch (thrown) {
        if (!(thrown instanceof RouteLineError)) throw thrown;
        const { column, problem: message } = thrown;
        problems.push({
          where: `${source}, column ${column}`,
          key: "",
          message,
          excerpt: pointAt(text, column),
        });
        // It keeps its place, so that the routes after it keep their numbers.
        unreadRoutes.add(routes.length);
        routes.push(undefined);
      }
    }
    merged["routes"] = routes;
  }
  // What could not be read is missing now: errors of the schema would be about our own gap. (A route that could not be
  // read leaves a gap that is known, below.)
  if (unreadable) throw new ConfigError(problems);

  const result = schema.safeParse(merged);
  if (!result.success) {
    const root = inputJsonSchema(schema);
    const explained = explainIssues(result.error.issues, merged, root);
    for (const { path, of } of explained) if (of === "key") unknown.add(path.slice(1).join("."));
    for (const { path, message, of } of explained) {
      if (path[0] === "routes" && path.length > 1 && unreadRoutes.has(path[1] as PropertyKey)) continue;
      const origin = origins.findLast(({ path: prefix }) =>
        prefix.every((part, index) => part === path[index]),
      );
      problems.push({
        ...(origin?.locate(path.slice(origin.path.length), of) ?? { where: "" }),
        key: formatPath(path),
        message,
      });
    }
  }
  if (problems.length > 0 || !result.success) throw new ConfigError(problems);
  return result.data;
}

function placeInRoute(
  source: string,
  text: string,
  columns: RouteColumns,
  rest: readonly PropertyKey[],
  hidden: (key: string) => boolean,
): Place {
  for (let length = rest.length; length >= 0; length--) {
    const dotted = rest.slice(0, length).map(String).join(".");
    let column = columns.get(dotted);
    // A group that dotted options made, `tls` of `tls.caFile`: where its first member stands.
    if (column === undefined && length > 0) {
      column = [...columns].find(([key]) => key.startsWith(`${dotted}.`))?.[1];
    }
    if (column !== undefined)
      return { where: `${source}, column ${column}`, excerpt: pointAt(text, column, hidden) };
  }
  return { where: source };
}

function interpolateAll(
  value: unknown,
  env: Readonly<Record<string, string | undefined>>,
  path: readonly PropertyKey[],
  missing: (path: readonly PropertyKey[], name: string) => void,
): unknown {
  if (typeof value === "string") return interpolate(value, env, (name) => missing(path, name));
  if (Array.isArray(value))
    return value.map((item, index) => interpolateAll(item, env, [...path, index], missing));
  if (typeof value !== "object" || value === null) return value;
  const copy = {};
  for (const [key, item] of Object.entries(value))
    define(copy, key, interpolateAll(item, env, [...path, key], missing));
  return copy;
}

function setAt(root: Record<string, unknown>, key: readonly string[], value: unknown): void {
  let into = root;
  for (const part of key.slice(0, -1)) {
    const next = Object.hasOwn(into, part) ? into[part] : undefined;
    // Copied, not shared: the parsed file may be the same object on the next load.
    const group = typeof next === "object" && next !== null && !Array.isArray(next) ? { ...next } : {};
    define(into, part, group);
    into = group;
  }
  define(into, key.at(-1) as string, value);
}

/** An own property whatever its name: `__proto__` in a file is an unknown key, not a prototype. */
function define(into: object, key: string, value: unknown): void {
  Object.defineProperty(into, key, { value, writable: true, enumerable: true, configurable: true });
}
