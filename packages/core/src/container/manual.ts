/** `--help`: the whole manual, generated from the flags table and the schema, so that it cannot fall behind. */
import { envName, type FlagDeclaration } from "../config/flags.ts";
import { acceptsPhrase, alternatives, schemasAt, type JsonSchema } from "../config/json-schema.ts";
import { formatPath } from "../config/problem.ts";

export interface ManualOptions {
  readonly program: string;
  readonly version: string;
  readonly summary: string;
  readonly routes: boolean;
  readonly flags: readonly FlagDeclaration[];
  readonly printouts: readonly { readonly name: string; readonly help: string }[];
  readonly commands: readonly { readonly name: string; readonly usage: string; readonly help: string }[];
  readonly schema: JsonSchema;
  readonly epilogue?: string;
}

export function writeManual(options: ManualOptions): string {
  const { program, schema } = options;
  const sections = [
    `${program} ${options.version}: ${options.summary}`,
    `Usage: ${program} [FLAGS]\n\nPrecedence: flag > environment > file > default.`,
    section("Configuration", [
      [
        "--config FILE",
        "YAML or JSON, watched and reloaded live (also on SIGHUP) [env OUTRIGGER_CONFIG_FILE]",
      ],
      ["env OUTRIGGER_CONFIG", "YAML itself; its top-level keys replace those of the file"],
      ...(options.routes
        ? ([
            [
              "--route ROUTE",
              "repeatable; routes given so replace those of the file [env OUTRIGGER_ROUTES, blanks between]",
            ],
            ["", "ROUTE is [BIND:]PORT=PROTOCOL://TARGET[*WEIGHT][,TARGET...][?option=value&...]"],
          ] as const)
        : []),
    ]),
    ...flagSections(options),
    section("Instead of running", [
      ["--check-config", "say whether the configuration is valid: exit 0, or 2 with every problem"],
      ["--print-config", "the configuration as it would be used, secrets redacted, as YAML"],
      ["--print-schema", "the JSON Schema of the configuration"],
      ...options.printouts.map(({ name, help }) => [`--${name}`, help] as const),
      ...options.commands.map(({ name, usage, help }) => [`${name} ${usage}`, help] as const),
      [
        "--await-started[=DURATION]",
        "for the postStart of a classic sidecar: wait until the container that has these flags and this environment is started (asks its /startupz), by default at most 60s: exit 0, or 1",
      ],
      ["--help", "this manual"],
      ["--version", "name, version, Node's version"],
    ]),
    section("Keys of the file", [...keyRows(schema, schema, [])]),
    "In the file, ${VAR} and ${VAR:-default} in texts stand for environment variables, $$ for a dollar sign.",
    section("Signals", [
      ["SIGTERM, SIGINT", "drain, then exit 0; the second one exits at once"],
      ["SIGHUP", "reload the configuration"],
    ]),
    "Exit codes: 0 drained, 1 failed while running, 2 wrong flags or configuration, 143 or 130 second signal.",
    ...(options.epilogue === undefined ? [] : [options.epilogue]),
  ];
  return `${sections.join("\n\n")}\n`;
}

function flagSections({ flags, program, schema }: ManualOptions): string[] {
  const groups = new Map<string, (readonly [string, string])[]>();
  for (const flag of flags) {
    const heading = flag.group ?? program.replace(/^outrigger-/, "");
    const rows = groups.get(heading) ?? [];
    const [keySchema] = schemasAt(schema, flag.key);
    const fallback = keySchema && defaultOf(keySchema, schema);
    const notes = [...(fallback === undefined ? [] : [`default ${fallback}`]), `env ${envName(flag)}`];
    rows.push([
      `--${flag.name}${flag.value === undefined ? "" : ` ${flag.value}`}`,
      `${flag.help} [${notes.join(", ")}]`,
    ]);
    groups.set(heading, rows);
  }
  return [...groups].map(([heading, rows]) =>
    section(`${heading.charAt(0).toUpperCase()}${heading.slice(1)} flags`, rows),
  );
}

function section(heading: string, rows: readonly (readonly [string, string])[]): string {
  const width = Math.min(30, Math.max(...rows.map(([left]) => left.length)));
  const lines = rows.map(([left, right]) =>
    left.length > width ? `  ${left}\n  ${" ".repeat(width)}  ${right}` : `  ${left.padEnd(width)}  ${right}`,
  );
  return `${heading}:\n${lines.join("\n")}`;
}

function* keyRows(
  schema: JsonSchema,
  root: JsonSchema,
  path: readonly PropertyKey[],
): Iterable<readonly [string, string]> {
  if (path.length > 6) return;
  for (const part of alternatives(schema, root)) {
    if (part.items) yield* keyRows(part.items, root, [...path.slice(0, -1), `${String(path.at(-1))}[]`]);
    if (typeof part.additionalProperties === "object")
      yield* keyRows(part.additionalProperties, root, [...path, "NAME"]);
    for (const [key, child] of Object.entries(part.properties ?? {})) {
      const at = [...path, key];
      const fallback = defaultOf(child, root);
      const required = part.required?.includes(key) === true;
      const notes = fallback !== undefined ? [`default ${fallback}`] : required ? ["required"] : [];
      const text = [child.description, `(${acceptsPhrase(child)})`, ...notes.map((note) => `[${note}]`)];
      yield [
        formatPath(at)
          .replaceAll(/\["(\w+\[\])"\]/g, ".$1")
          .replace(/^\./, ""),
        text.filter(Boolean).join(" "),
      ];
      yield* keyRows(child, root, at);
    }
  }
}

function defaultOf(schema: JsonSchema, root: JsonSchema): string | undefined {
  for (const part of alternatives(schema, root)) {
    if (part.default !== undefined)
      return typeof part.default === "string" ? part.default : JSON.stringify(part.default);
  }
  return undefined;
}
