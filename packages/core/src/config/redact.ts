/**
 * Replaces what is secret before a configuration is shown: keys that the schema marks, keys whose name says so
 * (`password`, not `passwordFile`), and the userinfo of URLs.
 */
import { alternatives, childSchemas, type JsonSchema } from "./json-schema.ts";
import { looksSecret } from "./route-line.ts";

export const REDACTED = "[redacted]";

export function redact(value: unknown, root: JsonSchema): unknown {
  return walk(value, [root], root);
}

/** By names alone, for what no schema describes. */
export function redactByName(value: unknown): unknown {
  return walk(value, [], {});
}

function walk(value: unknown, schemas: readonly JsonSchema[], root: JsonSchema): unknown {
  if (value === undefined || value === null) return value;
  if (schemas.some((schema) => [...alternatives(schema, root)].some((part) => part.secret === true)))
    return REDACTED;
  if (typeof value === "string") return value.replace(/:\/\/[^/?#\s]*@/g, `://${REDACTED}@`);
  if (Array.isArray(value))
    return value.map((item, index) => walk(item, childSchemas(schemas, index, root), root));
  if (typeof value !== "object") return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, item]: [string, unknown]) => [
      key,
      looksSecret(key) && typeof item !== "object"
        ? REDACTED
        : walk(item, childSchemas(schemas, key, root), root),
    ]),
  );
}
