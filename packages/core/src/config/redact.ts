/**
 * Replaces what is secret before a configuration is shown: keys that the schema marks, keys whose name says so
 * (`password`, not `passwordFile`), the userinfo of URLs, and parameters in their queries whose names say so.
 */
import { alternatives, childSchemas, type JsonSchema } from "./json-schema.ts";
import { looksSecret } from "./route-line.ts";

export const REDACTED = "[redacted]";

/** Up to the last "@", because a password may hold one; the scheme stays, so that the reader finds the place. */
const USERINFO = /^([a-z][a-z0-9+.-]*:\/\/)?.*@/is;
/** In a text that is more than one URL: as far as the URL's own grammar says. */
const USERINFO_WITHIN = /:\/\/[^\s"/?#]*@/g;

/** A value as an error may quote it: without what stands before an "@", and without secret parameters of a query. */
export function hideUserinfo(value: string): string {
  return hideQuery(value.replace(USERINFO, `$1${REDACTED}@`));
}

/** `http:/up?token=[redacted]&x=1`: the values of parameters whose names look secret. */
function hideQuery(value: string): string {
  return value.replace(/([?&;])([^=&?;#\s]+)=([^&#\s]*)/g, (_, mark: string, name: string, rest: string) =>
    looksSecret(name) || SECRET_PARAMETER.test(name)
      ? `${mark}${name}=${REDACTED}`
      : `${mark}${name}=${hideQuery(rest)}`,
  );
}
/** In a query more names are secret than among our own keys. */
const SECRET_PARAMETER = /^(?:[a-z]+[-_]?)?(?:key|sig|signature)$/i;

/** A text, such as a line of the log, without the userinfo of the URLs in it. */
export function hideUserinfoWithin(text: string): string {
  return text.includes("@") ? text.replace(USERINFO_WITHIN, `://${REDACTED}@`) : text;
}

/**
 * A message about a value, in which quoted parts are replaced when they may be a part of the secret that the value
 * holds: all of it when `secret`, else what stands before an "@".
 */
export function hideQuoted(message: string, value: unknown, secret: boolean): string {
  const text = typeof value === "string" ? value : (JSON.stringify(value) ?? "");
  const hidden = secret ? text : text.slice(0, text.lastIndexOf("@") + 1);
  if (hidden === "") return message;
  return message.replace(/"(?:[^"\\]|\\.)*"/g, (quoted) => {
    const part = unquote(quoted);
    if (part.includes("@") && !secret) return JSON.stringify(hideUserinfo(part));
    return part !== "" && hidden.includes(part) ? JSON.stringify(REDACTED) : quoted;
  });
}

function unquote(quoted: string): string {
  try {
    return JSON.parse(quoted) as string;
  } catch {
    return quoted.slice(1, -1);
  }
}

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
  // `user:password@host` or a whole URL; `a@b` alone may be a name.
  if (typeof value === "string") return /:.*@/s.test(value) ? hideUserinfo(value) : hideQuery(value);
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
