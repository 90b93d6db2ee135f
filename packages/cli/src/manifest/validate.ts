/** Checks one document against the table of fields and reads its value: every problem at once, each with its place. */
import { isMap, isScalar, isSeq, type Scalar, type YAMLMap } from "yaml";
import { closest } from "@outrigger/core";
import { formatPath, type ManifestDocument, type Path, type Problem } from "./document.ts";
import type { Field, Infer, Shape, TypeForm } from "./schema.ts";

export interface Unused {
  /** The path without list positions: `spec.containers[].resources`. */
  readonly path: string;
  readonly note: string;
}

export interface Findings {
  readonly problems: Problem[];
  /** How many problems leave a hole in the value: a type that does not fit, a required field that is not there. */
  holes: number;
  readonly unused: Unused[];
}

/** @returns the value; meaningful only when no problem was found. */
export function validate<S extends Shape>(
  document: ManifestDocument,
  shape: S,
  findings: Findings,
): Infer<S> | undefined {
  const walk = new Walk(document, findings);
  return walk.object(shape, document.root, []) as Infer<S> | undefined;
}

class Walk {
  readonly #document: ManifestDocument;
  readonly #findings: Findings;

  constructor(document: ManifestDocument, findings: Findings) {
    this.#document = document;
    this.#findings = findings;
  }

  object(shape: Shape, node: unknown, path: Path): Record<string, unknown> | undefined {
    const inside = this.#document.resolve(node);
    if (!isMap(inside)) return this.#mismatch(path, node, "a mapping");
    const value: Record<string, unknown> = {};
    const pairs = this.#document.pairs(inside);
    for (const [name, pair] of pairs) {
      const at = [...path, name];
      const field = Object.hasOwn(shape, name) ? shape[name] : undefined;
      if (field === undefined) {
        this.#unknown(shape, name, at, pair.key);
        continue;
      }
      // Kubernetes reads `env:` with nothing after it as if it were not written.
      if (this.#isNull(pair.value)) continue;
      const read = this.#field(field, pair.value, at);
      if (read !== undefined) value[name] = read;
    }
    for (const [name, field] of Object.entries(shape)) {
      const pair = pairs.get(name);
      if (field.required && (pair === undefined || this.#isNull(pair.value))) {
        this.#findings.holes++;
        this.#report([...path, name], `is required: ${describe(field.type)}`, node);
      }
    }
    return value;
  }

  #field(field: Field, node: unknown, path: Path): unknown {
    if (field.support === "refused") {
      const found = this.#plain(node);
      if (field.harmless !== undefined && found === field.harmless) return undefined;
      this.#report(path, `refused: ${field.note}; found ${show(found)}`, node);
      return undefined;
    }
    if (field.support === "irrelevant") {
      const general = formatPath(path).replace(/\[\d+\]/g, "[]");
      // `resources` and its `limits` are one thing to the reader: the outermost is listed.
      this.#findings.unused.push({ path: general, note: field.note });
    }
    return this.#value(field.type, node, path);
  }

  #value(type: TypeForm, node: unknown, path: Path): unknown {
    const inside = this.#document.resolve(node);
    switch (type.is) {
      case "object":
        return this.object(type.shape, node, path);
      case "list":
        if (!isSeq(inside)) return this.#mismatch(path, node, describe(type));
        return inside.items.map((item, index) => this.#value(type.of, item, [...path, index]));
      case "map":
        return isMap(inside)
          ? this.#map(type, inside, path)
          : this.#mismatch(path, node, describe(type), hides(type));
      case "anything":
        return this.#plain(node);
      default:
        return isScalar(inside)
          ? this.#scalar(type, inside, path)
          : this.#mismatch(path, node, describe(type), hides(type));
    }
  }

  #map(type: TypeForm & { is: "map" }, node: YAMLMap, path: Path): Record<string, unknown> {
    const entries: [string, unknown][] = [];
    for (const [name, pair] of this.#document.pairs(node)) {
      if (type.key && !type.key.pattern.test(name)) {
        this.#report(path, `found the key ${show(name)}, accepted: ${type.key.what}`, pair.key);
        continue;
      }
      const read = this.#isNull(pair.value) ? "" : this.#value(type.of, pair.value, [...path, name]);
      if (read !== undefined) entries.push([name, read]);
    }
    return Object.fromEntries(entries);
  }

  #scalar(type: TypeForm, node: Scalar, path: Path): unknown {
    const found = node.value;
    const wrong = (): undefined => this.#mismatch(path, node, describe(type), hides(type));
    switch (type.is) {
      case "string": {
        // Dates and the one-letter booleans are strings to kubectl, though not to YAML 1.1.
        const text =
          typeof found === "string"
            ? found
            : found instanceof Date || /^[yYnN]$/.test(node.source ?? "")
              ? node.source
              : undefined;
        if (text === undefined) {
          this.#findings.holes++;
          this.#report(
            path,
            type.hidden
              ? `found ${form(found)}, accepted: a string; put it in quotes`
              : `found ${show(found)}, accepted: a string; put it in quotes: "${node.source}"`,
            node,
          );
          return undefined;
        }
        if ((type.pattern && !type.pattern.test(text)) || (type.base64 && !isBase64(text))) return wrong();
        if (type.content || !text.includes("\0")) return text;
        this.#findings.holes++;
        this.#report(path, "found a NUL byte (\\0), accepted: a string without one", node);
        return undefined;
      }
      case "integer":
        return Number.isInteger(found) && (found as number) >= type.min && (found as number) <= type.max
          ? found
          : wrong();
      case "boolean":
        return typeof found === "boolean" ? found : wrong();
      case "integer-or-string":
        return typeof found === "string" || Number.isInteger(found) ? found : wrong();
      case "quantity":
        return typeof found === "number" || (typeof found === "string" && QUANTITY.test(found))
          ? found
          : wrong();
      case "choice": {
        if (typeof found === "string" && type.values.includes(found)) return found;
        const near = typeof found === "string" ? closest(found, type.values) : undefined;
        const hint = near === undefined ? "" : `; did you mean ${near}?`;
        this.#findings.holes++;
        this.#report(path, `found ${show(found)}, accepted: ${type.values.join(", ")}${hint}`, node);
        return undefined;
      }
      default:
        return wrong();
    }
  }

  #unknown(shape: Shape, name: string, path: Path, at: unknown): void {
    const known = Object.keys(shape);
    const near = closest(name, known);
    const hint = near === undefined ? "" : `, did you mean ${near}?`;
    const accepted = known.filter((key) => shape[key]?.support === "honoured");
    this.#report(
      path,
      `unknown field${hint} Accepted here: ${accepted.join(", ")}`.replace("field Acc", "field. Acc"),
      at,
    );
  }

  #isNull(node: unknown): boolean {
    const inside = this.#document.resolve(node);
    return inside === null || inside === undefined || (isScalar(inside) && inside.value === null);
  }

  #plain(node: unknown): unknown {
    const inside = this.#document.resolve(node);
    if (isScalar(inside)) return inside.value;
    if (isSeq(inside)) return inside.items.map((item) => this.#plain(item));
    if (!isMap(inside)) return undefined;
    return Object.fromEntries(
      [...this.#document.pairs(inside)].map(([name, pair]) => [name, this.#plain(pair.value)]),
    );
  }

  #mismatch(path: Path, node: unknown, accepted: string, hidden = false): undefined {
    this.#findings.holes++;
    const found = this.#plain(node);
    this.#report(path, `found ${hidden ? form(found) : show(found)}, accepted: ${accepted}`, node);
    return undefined;
  }

  #report(path: Path, message: string, at: unknown): void {
    this.#findings.problems.push(this.#document.problem(path, message, at));
  }
}

const QUANTITY = /^[+-]?\d+(\.\d*)?([eE][+-]?\d+|[KMGTPE]i|[numkMGTPE])?$/;

/** What kubectl accepts (Go's StdEncoding): padded, line breaks passed over. */
function isBase64(text: string): boolean {
  const digits = text.replace(/[\r\n]/g, "");
  return digits.length % 4 === 0 && /^[A-Za-z0-9+/]*={0,2}$/.test(digits);
}

const hides = (type: TypeForm): boolean =>
  type.is === "map" ? hides(type.of) : type.is === "string" && type.hidden === true;

/** What a value is, for messages that must not show it. */
function form(value: unknown): string {
  if (value === null || value === undefined || typeof value === "object") return show(value);
  return `a ${typeof value} (a Secret's value is not shown)`;
}

/** A value as a message shows it: short. */
export function show(value: unknown): string {
  if (value === null || value === undefined) return "nothing";
  if (Array.isArray(value)) return value.length === 0 ? "an empty list" : "a list";
  if (typeof value === "object") return "a mapping";
  const text = JSON.stringify(value);
  return text.length > 60 ? `${text.slice(0, 57)}..."` : text;
}

export function describe(type: TypeForm): string {
  switch (type.is) {
    case "string":
      if (type.base64) return "base64, as base64(1) writes it; plain text has its place beside it";
      return type.what ?? "a string";
    case "integer":
      if (type.max === 0o777) return "file permission bits, 0 to 0777";
      return type.max === 2 ** 31 - 1
        ? `a whole number, ${type.min} or more`
        : `a whole number from ${type.min} to ${type.max}`;
    case "boolean":
      return "true or false";
    case "integer-or-string":
      return "a port number, or the name of one of the container's ports";
    case "quantity":
      return "a quantity, for example 500m, 2 or 64Mi";
    case "choice":
      return type.values.join(", ");
    case "list":
      return type.of.is === "object" ? "a list" : `a list, each item ${describe(type.of)}`;
    case "map":
      return `a mapping of names, each value ${describe(type.of)}`;
    case "object":
      return "a mapping";
    case "anything":
      return "any value";
  }
}
