/** Has a pattern's own program say whether it would start with the arguments that inject gives it. */
import { tmpdir } from "node:os";
import { ask, CHECK_FLAG, spoken } from "../pod/config-check.ts";
import { childPath, patternCommand, type Pattern } from "../pod/image.ts";

export interface Question {
  readonly pattern: Pattern;
  readonly args: readonly string[];
  /** The text of its configuration file. */
  readonly config?: string;
}

export interface RightsQuestion extends Question {
  readonly namespace: string;
  readonly serviceAccount: string;
}

/**
 * What a pattern's --print-role prints.
 * @param environment of the caller, for PATH
 * @returns empty: it has none, needs none, or is not there
 */
export async function askRights(
  { pattern, args, config, namespace, serviceAccount }: RightsQuestion,
  environment: NodeJS.ProcessEnv,
): Promise<string> {
  const path = childPath(environment);
  const command = PRINTS_ROLE.has(pattern.name) ? patternCommand(pattern, path) : undefined;
  if (!command) return "";
  const { code, stdout } = await ask({
    argv: [...command, "--print-role", ...args],
    env: {
      ...environmentOf(path, config),
      POD_NAMESPACE: namespace,
      POD_SERVICE_ACCOUNT: serviceAccount,
    },
    cwd: tmpdir(),
  });
  return code === 0 ? stdout : "";
}

/** Patterns that can say so. */
const PRINTS_ROLE: ReadonlySet<string> = new Set(["leader-elector"]);

/**
 * @param environment of the caller, for PATH
 * @param unasked is told where nobody could be asked
 * @returns what it says against the arguments, or undefined
 */
export async function askPattern(
  { pattern, args, config }: Question,
  environment: NodeJS.ProcessEnv,
  unasked: (note: string) => void,
): Promise<string | undefined> {
  const path = childPath(environment);
  const command = patternCommand(pattern, path);
  const name = `outrigger-${pattern.name}`;
  if (!command) {
    unasked(
      `${name} is not installed beside the cli, nor on PATH: its own check of the routes comes when it starts`,
    );
    return undefined;
  }
  const { code, stderr } = await ask({
    argv: [...command, CHECK_FLAG, ...args],
    env: environmentOf(path, config),
    cwd: tmpdir(),
  });
  if (code === 0) return undefined;
  if (code === 2) return spoken(stderr);
  unasked(`${name} ${CHECK_FLAG} gave no answer (${code}): its check of the routes comes when it starts`);
  return undefined;
}

const environmentOf = (path: string, config: string | undefined): Record<string, string> => ({
  PATH: path,
  ...(config === undefined ? {} : { OUTRIGGER_CONFIG: config }),
});
