/** What is wrong with a configuration: every problem at once, each with its place, its key, what was found and what is accepted. */
import { OutriggerError } from "../errors.ts";

export interface ConfigProblem {
  /** `config.yaml:12:5`, `--retries`, `OUTRIGGER_ROUTES`; empty when it is nowhere (a required key that nobody gave). */
  readonly where: string;
  /** `routes[0].retries`; empty for the whole. */
  readonly key: string;
  readonly message: string;
  /** The text with a caret under the column, for one-line routes. */
  readonly excerpt?: string;
}

/** Code `bad-config`. */
export class ConfigError extends OutriggerError {
  readonly problems: readonly ConfigProblem[];

  constructor(problems: readonly ConfigProblem[]) {
    const count = problems.length === 1 ? "1 problem" : `${problems.length} problems`;
    super("bad-config", `${count} in the configuration:\n${problems.map(formatProblem).join("\n")}`);
    this.problems = problems;
  }
}

export function formatProblem({ where, key, message, excerpt }: ConfigProblem): string {
  const head = [where, key, message].filter((part) => part !== "").join(": ");
  return excerpt === undefined ? head : `${head}\n${excerpt}`;
}

/** `["routes", 0, "tls", "ca-file"]` -> `routes[0].tls["ca-file"]` */
export function formatPath(path: readonly PropertyKey[]): string {
  let text = "";
  for (const part of path) {
    if (typeof part === "number") text += `[${part}]`;
    else if (/^[A-Za-z_][\w]*$/.test(String(part))) text += text === "" ? String(part) : `.${String(part)}`;
    else text += `[${JSON.stringify(String(part))}]`;
  }
  return text;
}
