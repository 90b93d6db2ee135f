/**
 * `${VAR}` and `${VAR:-default}` in string values, after the YAML is parsed, so that a value cannot inject structure.
 * Identifiers only: `${1}` (a regular expression's group) stays as it is. `$$` is one `$`. A `$` before anything else
 * is itself.
 */
const REFERENCE = /\$(?:(\$)|\{([A-Za-z_][A-Za-z0-9_]*)(:-([^}]*))?\})/g;

/** The text with its references replaced; `missing` is called for each variable that is unset and has no default. */
export function interpolate(
  text: string,
  env: Readonly<Record<string, string | undefined>>,
  missing: (name: string) => void,
): string {
  if (!text.includes("$")) return text;
  return text.replace(
    REFERENCE,
    (whole, escaped: string | undefined, name: string, hasDefault: string | undefined, fallback: string) => {
      if (escaped !== undefined) return "$";
      // Own variables only: `${constructor}` is not what every object inherits.
      const value = Object.hasOwn(env, name) ? env[name] : undefined;
      // As in a shell: `:-` also covers what is set but empty.
      if (hasDefault !== undefined) return value === undefined || value === "" ? fallback : value;
      if (value !== undefined) return value;
      missing(name);
      return whole;
    },
  );
}
