/** The two faces of a pattern: what `createX(config, deps)` returns, and what defineContainer needs to know of it. */
import type * as z from "zod";
import type { FlagDeclaration } from "../config/flags.ts";
import type { DataListener } from "../lifecycle/data-listener.ts";
import type { Logger } from "../log/logger.ts";
import type { Metrics } from "../metrics/metrics.ts";
import type { HealthCheck } from "../servers/health.ts";
import type { ControlRoute } from "../servers/control-server.ts";
import type { ProbePages } from "../servers/probe-server.ts";
import type { Clock } from "../time/clock.ts";

/** What every pattern is given; as a library each has a default. */
export interface PatternDeps {
  readonly clock: Clock;
  readonly log: Logger;
  readonly metrics: Metrics;
}

/** A running pattern. Two of them live in one process: no global state, no process.exit, no signal handlers. */
export interface Pattern<Config> extends AsyncDisposable {
  /** Resolves when every listener accepts. Rejects (and leaves nothing open) when one cannot. */
  start(): Promise<void>;
  /** Closes at once whatever is still open: draining, where it is wanted, came before. Idempotent. */
  stop(): Promise<void>;
  /** Swaps to an already validated config, atomically: when it rejects, the old one still serves. */
  reload(config: Config): Promise<void>;
  readonly metrics: Metrics;
  /**
   * Resolves when there is nothing more to do: the container drains then, and exits 0. Rejects when it cannot go on: the
   * container says why, and exits 1.
   */
  readonly finished?: Promise<void>;
  /** The listeners of now; a reload may change them. */
  readonly listeners: readonly DataListener[];
  /** Shown by /livez, /readyz, /startupz. Never dependent on upstreams unless configured. */
  readonly checks?: readonly HealthCheck[];
  /** Served by the control server beside its own, for example GET /explain. */
  readonly controlRoutes?: readonly ControlRoute[];
  /** Served by the probe server beside its own, by path: what only tells, to anybody who reaches the pod. */
  readonly probePages?: ProbePages;
}

/** What a container can write instead of running, from its configuration: `--print-role`. */
export interface Printout<Config> {
  /** The flag, without its dashes. */
  readonly name: string;
  readonly help: string;
  /** @throws OutriggerError `bad-config` where this configuration has none */
  print(config: Config, env: NodeJS.ProcessEnv): string | Promise<string>;
}

/** What the program does instead of running when its name is the first word: `dlq list`. */
export interface Command {
  readonly name: string;
  /** The words that follow, for the manual: `list|show ID`. */
  readonly usage: string;
  readonly help: string;
  /**
   * @param words those after its name
   * @returns what is written to stdout
   * @throws OutriggerError `bad-config` where the words are wrong (exit code 2); any other: it failed (1)
   */
  run(words: readonly string[], env: NodeJS.ProcessEnv): Promise<string>;
}

export interface ContainerDefinition<Schema extends z.ZodObject> {
  /** The pattern's name, `ambassador`: in the log, in build info, and in `outrigger-<name>`. */
  readonly name: string;
  readonly version: string;
  /** One sentence for the head of --help. */
  readonly summary: string;
  readonly defaultPorts: { readonly probe: number; readonly control: number };
  /**
   * The pattern's configuration (z.strictObject throughout: an unknown key is an error). The container adds its own
   * keys beside it: probe, control, logLevel, grace, settle and so on.
   */
  readonly schema: Schema;
  /** The schema's key `routes` is a list that the one-line grammar can fill: adds --route and OUTRIGGER_ROUTES. */
  readonly routes?: boolean;
  /** Flags (with env twins) for keys of `schema`. */
  readonly flags?: readonly FlagDeclaration[];
  /** Further flags that print instead of running. */
  readonly printouts?: readonly Printout<z.output<Schema>>[];
  readonly commands?: readonly Command[];
  /**
   * It does little once it runs, and can stand still for 100 ms: the memory that only its start needed is given back.
   * Default: false.
   */
  readonly collectsStartGarbage?: boolean;
  /** Ends the manual: examples, what is not promised. */
  readonly epilogue?: string;
  create(
    config: z.output<Schema>,
    deps: PatternDeps,
  ): Pattern<z.output<Schema>> | Promise<Pattern<z.output<Schema>>>;
}
