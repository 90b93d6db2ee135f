/** The JSON Schema of a config's input, and walks along it: known keys, what is accepted, what is secret. */
import * as z from "zod";

/** The parts of JSON Schema that zod writes and we read. */
export interface JsonSchema {
  readonly type?: string | readonly string[];
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly required?: readonly string[];
  readonly items?: JsonSchema;
  readonly additionalProperties?: boolean | JsonSchema;
  readonly anyOf?: readonly JsonSchema[];
  readonly oneOf?: readonly JsonSchema[];
  readonly allOf?: readonly JsonSchema[];
  readonly $ref?: string;
  readonly $defs?: Readonly<Record<string, JsonSchema>>;
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
  readonly default?: unknown;
  readonly description?: string;
  /** Ours, from `.meta()`. */
  readonly accepts?: string;
  readonly secret?: boolean;
}

/** What `--print-schema` prints, and what schema.json holds. */
export function inputJsonSchema(schema: z.ZodType): JsonSchema {
  return z.toJSONSchema(schema, { io: "input", unrepresentable: "any" }) as JsonSchema;
}

/** The schema itself and all its alternatives, references followed. */
export function* alternatives(schema: JsonSchema, root: JsonSchema, depth = 0): Iterable<JsonSchema> {
  if (depth > 16) return;
  yield schema;
  if (schema.$ref !== undefined) {
    const target = schema.$ref === "#" ? root : root.$defs?.[schema.$ref.replace("#/$defs/", "")];
    if (target) yield* alternatives(target, root, depth + 1);
  }
  for (const part of [...(schema.anyOf ?? []), ...(schema.oneOf ?? []), ...(schema.allOf ?? [])]) {
    yield* alternatives(part, root, depth + 1);
  }
}

/** The schemas that describe the child `key` of whatever `parents` describe. */
export function childSchemas(
  parents: readonly JsonSchema[],
  key: PropertyKey,
  root: JsonSchema,
): JsonSchema[] {
  const found: JsonSchema[] = [];
  for (const parent of parents) {
    for (const schema of alternatives(parent, root)) {
      const properties = schema.properties;
      if (typeof key === "number") {
        if (schema.items) found.push(schema.items);
      } else if (properties && Object.hasOwn(properties, key)) {
        found.push(properties[String(key)] as JsonSchema);
      } else if (typeof schema.additionalProperties === "object") found.push(schema.additionalProperties);
    }
  }
  return found;
}

export function schemasAt(root: JsonSchema, path: readonly PropertyKey[]): JsonSchema[] {
  let at: JsonSchema[] = [root];
  for (const key of path) at = childSchemas(at, key, root);
  return at;
}

/** The keys that a mapping at that path may have. */
export function knownKeys(root: JsonSchema, path: readonly PropertyKey[]): string[] {
  const keys = new Set<string>();
  for (const schema of schemasAt(root, path)) {
    for (const part of alternatives(schema, root)) {
      for (const key of Object.keys(part.properties ?? {})) keys.add(key);
    }
  }
  return [...keys];
}

/** A phrase for what a schema takes: its own `accepts`, its values, or its type. */
export function acceptsPhrase(schema: JsonSchema): string {
  if (schema.accepts !== undefined) return schema.accepts;
  if (schema.const !== undefined) return JSON.stringify(schema.const);
  if (schema.enum) return schema.enum.map((value) => JSON.stringify(value)).join(", ");
  const parts = schema.anyOf ?? schema.oneOf;
  if (parts) return parts.map(acceptsPhrase).join(", or ");
  const types = typeof schema.type === "string" ? [schema.type] : (schema.type ?? []);
  const phrases = types.map((type) => TYPE_PHRASE[type] ?? type);
  if (schema.items && schema.type === "array") return `a list of: ${acceptsPhrase(schema.items)}`;
  return phrases.join(" or ") || "any value";
}

/** How to say each type, in zod's names and in JSON Schema's. */
export const TYPE_PHRASE: Readonly<Record<string, string>> = {
  string: "a text",
  number: "a number",
  integer: "a whole number",
  int: "a whole number",
  boolean: "true or false",
  array: "a list",
  object: "a mapping",
  record: "a mapping",
  null: "nothing",
};
