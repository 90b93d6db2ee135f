/** A container's whole configuration: the pattern's keys and the container's, from flags, environment and file. */
import * as z from "zod";
import { envName, parseFlags, type FlagDeclaration, type FlagShape } from "../config/flags.ts";
import { inputJsonSchema, type JsonSchema } from "../config/json-schema.ts";
import { loadConfig, type KeyText, type RouteText } from "../config/load.ts";
import type { ConfigProblem } from "../config/problem.ts";
import { readText } from "../config/read-text.ts";
import { redact } from "../config/redact.ts";
import type { HostPort } from "../config/schema-blocks.ts";
import { OutriggerError } from "../errors.ts";
import { parseDuration, type Milliseconds } from "../units.ts";
import { AWAIT_STARTED_DEFAULT } from "./await-started.ts";
import { CONTAINER_FLAGS, containerShape, DEFAULT_SETTLE, type ContainerConfig } from "./container-config.ts";
import { checkContradictions } from "./contradictions.ts";
import type { ContainerDefinition, Printout } from "./pattern.ts";

/** What a run does instead of running. */
export type Action = "run" | (typeof ACTIONS)[number] | "await-started" | "printout";
const ACTIONS = ["help", "version", "check-config", "print-config", "print-schema"] as const;

export interface Loaded<Schema extends z.ZodObject> {
  /** The container's keys and the pattern's in one. */
  readonly config: ContainerConfig & z.output<Schema> & { readonly settle: number };
  /** The file's text, absent where there is no file. */
  readonly fileText?: string;
}

export class Configuration<Schema extends z.ZodObject> {
  readonly action: Action;
  /** Of the pattern's own, for the action `printout`. */
  readonly printout: Printout<z.output<Schema>> | undefined;
  /** The file of --config or OUTRIGGER_CONFIG_FILE. */
  readonly file: string | undefined;
  readonly flags: readonly FlagDeclaration[];
  /** How long `--await-started` waits. */
  readonly patience: Milliseconds = AWAIT_STARTED_DEFAULT;
  readonly #schema: z.ZodType;
  readonly #ports: ContainerDefinition<Schema>["defaultPorts"];
  readonly #env: NodeJS.ProcessEnv;
  readonly #keys: readonly KeyText[];
  readonly #routes: readonly RouteText[];
  readonly #problems: readonly ConfigProblem[];

  constructor(definition: ContainerDefinition<Schema>, argv: readonly string[], env: NodeJS.ProcessEnv) {
    this.flags = [...(definition.flags ?? []), ...CONTAINER_FLAGS];
    this.#schema = containerSchema(definition);
    this.#ports = definition.defaultPorts;
    this.#env = env;
    const shapes: FlagShape[] = [
      ...this.flags,
      { name: "config", value: "FILE" },
      ...(definition.routes ? [{ name: "route", value: "ROUTE", repeated: true }] : []),
      ...ACTIONS.map((name) => ({ name })),
      { name: "await-started" },
      ...(definition.printouts ?? []).map(({ name }) => ({ name })),
    ];
    const { values, problems } = parseFlags(
      argv.map((flag) => (flag === "-h" ? "--help" : flag)),
      shapes,
    );
    const awaits = values.get("await-started")?.[0];
    this.printout = definition.printouts?.find(({ name }) => values.get(name)?.[0] === "true");
    this.action =
      ACTIONS.find((name) => values.get(name)?.[0] === "true") ??
      (this.printout && "printout") ??
      (awaits === undefined || awaits === "false" ? "run" : "await-started");
    this.#problems = problems;
    if (this.action === "await-started" && awaits !== undefined && awaits !== "true") {
      try {
        this.patience = parseDuration(awaits);
      } catch (thrown) {
        const { message } = OutriggerError.from(thrown);
        this.#problems = [...problems, { where: "--await-started", key: "", message }];
      }
    }
    this.file = values.get("config")?.[0] ?? nonEmpty(env["OUTRIGGER_CONFIG_FILE"]);
    const fromEnv: KeyText[] = [];
    const fromFlags: KeyText[] = [];
    for (const flag of this.flags) {
      // Set but empty is how a pod spec says "not set".
      const envText = nonEmpty(env[envName(flag)]);
      if (envText !== undefined) fromEnv.push({ source: envName(flag), key: flag.key, text: envText });
      const [text] = values.get(flag.name) ?? [];
      if (text !== undefined) fromFlags.push({ source: `--${flag.name}`, key: flag.key, text });
    }
    this.#keys = [...fromEnv, ...fromFlags];
    const routes = values.get("route")?.map((text) => ({ source: "--route", text }));
    const envRoutes = (definition.routes ? env["OUTRIGGER_ROUTES"] : undefined)?.split(/\s+/).filter(Boolean);
    this.#routes = routes ?? envRoutes?.map((text) => ({ source: "OUTRIGGER_ROUTES", text })) ?? [];
  }

  /**
   * Reads the file anew and validates all layers.
   * @throws ConfigError `bad-config` with every problem, OutriggerError `config-unreadable`
   */
  async load(): Promise<Loaded<Schema>> {
    const { file } = this;
    const fileText = file === undefined ? undefined : await readConfigFile(file);
    const inline = nonEmpty(this.#env["OUTRIGGER_CONFIG"]);
    const config = await loadConfig(this.#schema, {
      ...(file !== undefined && fileText !== undefined && { file: { name: file, text: fileText } }),
      ...(inline !== undefined && { inline: { name: "OUTRIGGER_CONFIG", text: inline } }),
      keys: this.#keys,
      routes: this.#routes,
      env: this.#env,
      problems: this.#problems,
    });
    return {
      config: withSettle(config as ContainerConfig & z.output<Schema>),
      ...(fileText !== undefined && { fileText }),
    };
  }

  /** Where the container of these flags and this environment serves its probes; of all else nothing is asked. */
  async probeAddress(): Promise<HostPort> {
    const { file } = this;
    const schema = z.looseObject({ probe: containerShape(this.#ports).probe });
    const inline = nonEmpty(this.#env["OUTRIGGER_CONFIG"]);
    const { probe } = await loadConfig(schema, {
      ...(file !== undefined && { file: { name: file, text: await readConfigFile(file) } }),
      ...(inline !== undefined && { inline: { name: "OUTRIGGER_CONFIG", text: inline } }),
      keys: this.#keys.filter(({ key }) => key[0] === "probe"),
      routes: [],
      env: this.#env,
      problems: this.#problems,
    });
    return probe;
  }

  jsonSchema(): JsonSchema {
    return inputJsonSchema(this.#schema);
  }

  /** As it could be written into a file again (`30s`, not 30000), secrets redacted. */
  show(config: ContainerConfig & z.output<Schema>): unknown {
    return redact(encode(this.#schema, config), this.jsonSchema());
  }
}

/** The pattern's schema with the container's keys beside it, as parsed from files, flags and environment. */
export function containerSchema<Schema extends z.ZodObject>(
  definition: Pick<ContainerDefinition<Schema>, "schema" | "defaultPorts">,
): z.ZodObject {
  return (definition.schema as z.ZodObject)
    .safeExtend(containerShape(definition.defaultPorts))
    .strict()
    .superRefine(checkContradictions);
}

/** A grace shorter than the default settle is not refused for a key that nobody gave. */
function withSettle<Config extends ContainerConfig>(config: Config): Config & { settle: number } {
  return { ...config, settle: config.settle ?? Math.min(DEFAULT_SETTLE, config.grace / 2) };
}

/** The input form where the schema has one: a one-way transform has none, its output is shown. */
function encode(schema: z.ZodType, config: unknown): unknown {
  const encoded = z.safeEncode(schema, config);
  return encoded.success ? encoded.data : config;
}

const WHY_UNREADABLE: Readonly<Record<string, string>> = {
  ENOENT: "there is no such file",
  EISDIR: "it is a directory, not a file",
  EACCES: "this user may not read it",
};

async function readConfigFile(path: string): Promise<string> {
  try {
    return await readText(path);
  } catch (thrown) {
    const { code, message } = OutriggerError.from(thrown);
    const why = WHY_UNREADABLE[code] ?? message;
    throw new OutriggerError("config-unreadable", `cannot read the configuration ${path}: ${why}`, {
      cause: thrown,
    });
  }
}

function nonEmpty(text: string | undefined): string | undefined {
  return text === "" ? undefined : text;
}
