/** Flags and their environment twins, declared beside each other in one table (git-sync's way). */
import { didYouMean } from "./did-you-mean.ts";
import type { ConfigProblem } from "./problem.ts";
import { maskSecrets } from "./route-line.ts";

export interface FlagDeclaration {
  /** Without the dashes: `log-level`. */
  readonly name: string;
  /** The key that it sets, as a path: `["logLevel"]`, `["explain", "header"]`. */
  readonly key: readonly string[];
  /** What stands for the value in the manual: `LEVEL`. Absent: a switch, `--flag` means true. */
  readonly value?: string;
  readonly help: string;
  /** The heading in the manual under which it stands; default: the pattern's name. */
  readonly group?: string;
  /** Default: `OUTRIGGER_` and the name in upper case with underscores. */
  readonly env?: string;
}

/** How the parser sees a flag: those of the table above, and those that act (`--help`). */
export interface FlagShape {
  readonly name: string;
  readonly value?: string;
  /** May be given more than once (`--route`). */
  readonly repeated?: boolean;
}

export interface ParsedFlags {
  /** In order; a switch's value is "true" unless it was given one. */
  readonly values: ReadonlyMap<string, readonly string[]>;
  readonly problems: readonly ConfigProblem[];
}

/** The environment variable that stands for a flag. */
export function envName(flag: Pick<FlagDeclaration, "name" | "env">): string {
  return flag.env ?? `OUTRIGGER_${flag.name.toUpperCase().replaceAll("-", "_")}`;
}

/** Reads `--flag value`, `--flag=value`, `--switch` and `--switch=false`. Finds every problem, throws none. */
export function parseFlags(argv: readonly string[], shapes: readonly FlagShape[]): ParsedFlags {
  const byName = new Map(shapes.map((shape) => [shape.name, shape]));
  const values = new Map<string, string[]>();
  const problems: ConfigProblem[] = [];
  for (let index = 0; index < argv.length; index++) {
    const argument = argv[index] as string;
    const match = /^--([A-Za-z][\w-]*)(?:=([\s\S]*))?$/.exec(argument);
    const name = match?.[1] as string;
    const shape = byName.get(name);
    if (!match) {
      const problem = argument.startsWith("-")
        ? "unknown flag"
        : "found a bare argument, accepted: flags only";
      problems.push({
        where: JSON.stringify(maskSecrets(argument)),
        key: "",
        message: `${problem}; --help shows all flags`,
      });
      // `-p hunter2`: what follows may be its value, and is not to be quoted as a bare argument.
      if (argument.startsWith("-") && argv[index + 1]?.startsWith("-") === false) index++;
      continue;
    }
    if (!shape) {
      const guess = didYouMean(
        `--${name}`,
        shapes.map((known) => `--${known.name}`),
      );
      problems.push({ where: `--${name}`, key: "", message: `unknown flag${guess}; --help shows all flags` });
      // Its value, were it one, would be reported as a bare argument: one mistake, one problem.
      if (match[2] === undefined && argv[index + 1]?.startsWith("-") === false) index++;
      continue;
    }
    let value = match[2];
    if (value === undefined && shape.value === undefined) value = "true";
    if (value === undefined) {
      const next = argv[index + 1];
      if (next === undefined || next.startsWith("--")) {
        problems.push({
          where: `--${name}`,
          key: "",
          message: `has no value, accepted: --${name} ${shape.value}`,
        });
        continue;
      }
      value = next;
      index++;
    }
    const given = values.get(name);
    if (!given) values.set(name, [value]);
    else if (shape.repeated) given.push(value);
    else problems.push({ where: `--${name}`, key: "", message: "is given twice, accepted: once" });
  }
  return { values, problems };
}
