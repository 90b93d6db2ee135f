/** Writes a value as lines of YAML in the indentation of its surroundings, or as lines of JSON. */

export type Value = string | number | boolean | readonly Value[] | { readonly [key: string]: Value };

/** How a manifest is indented, in columns. */
export interface Style {
  /** From a key to the keys of its mapping. */
  readonly step: number;
  /** From a key to the dashes of its list; often 0. */
  readonly list: number;
  /** From a dash to what it stands before. */
  readonly dash: number;
}

/** What YAML 1.1 or 1.2 would read as something else than text; kubectl reads 1.1. */
const RESERVED = /^(y|yes|n|no|on|off|true|false|null|nan|inf)$/i;
/** Beyond doubt plain text in any YAML: a word, a flag, a route. */
const PLAIN = /^(?:--)?[A-Za-z/](?:[\w./:=?&,%+*@-]*[\w/=*])?$/;

/** A quantity or an IPv4 address: no reader takes one for a number. */
const MEASURE = /^(?:\d+(?:m|[KMG]i)|\d+(?:\.\d+){3})$/;

const scalar = (value: string | number | boolean): string =>
  typeof value !== "string" || MEASURE.test(value) || (PLAIN.test(value) && !RESERVED.test(value))
    ? String(value)
    : JSON.stringify(value);

const isList = (value: Value): value is readonly Value[] => Array.isArray(value);
const isText = (value: Value): value is string | number | boolean => typeof value !== "object";

export function keyLines(key: string, value: Value, indent: number, style: Style): string[] {
  const head = `${" ".repeat(indent)}${scalar(key)}:`;
  if (isText(value)) return [`${head} ${scalar(value)}`];
  return isList(value)
    ? [head, ...itemLines(value, indent + style.list, style)]
    : [head, ...mappingLines(value, indent + style.step, style)];
}

export function mappingLines(
  value: { readonly [key: string]: Value },
  indent: number,
  style: Style,
): string[] {
  return Object.entries(value).flatMap(([key, inside]) => keyLines(key, inside, indent, style));
}

/** The items of a list; `indent` is the dashes' column. */
export function itemLines(items: readonly Value[], indent: number, style: Style): string[] {
  const pad = " ".repeat(indent);
  return items.flatMap((item) => {
    if (isText(item)) return [`${pad}-${" ".repeat(style.dash - 1)}${scalar(item)}`];
    if (isList(item)) throw new TypeError("no Kubernetes object has a list in a list");
    const [first = "", ...more] = mappingLines(item, indent + style.dash, style);
    return [`${pad}-${first.slice(indent + 1)}`, ...more];
  });
}

/** The same as members of a JSON object or array: each ends with a comma, but for the last where nothing follows. */
export function jsonLines(
  members: readonly (readonly [key: string | null, value: Value])[],
  indent: number,
  step: number,
  followed: boolean,
): string[] {
  const pad = " ".repeat(indent);
  return members.flatMap(([key, value], index) => {
    const head = key === null ? "" : `${JSON.stringify(key)}: `;
    const comma = followed || index < members.length - 1 ? "," : "";
    return `${head}${JSON.stringify(value, null, step)}${comma}`.split("\n").map((line) => pad + line);
  });
}
