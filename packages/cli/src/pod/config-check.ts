/** Asks a pattern container's own program, with --check-config, whether its arguments and environment hold. */
import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { tmpdir } from "node:os";
import type { Milliseconds } from "@outrigger/core";
import type { Problem } from "../manifest/document.ts";
import type { ContainerContext } from "./container-context.ts";
import { ownEntry, type Pattern } from "./image.ts";
import type { PodPlan } from "./plan.ts";
import type { Command } from "./process-group.ts";

export interface ConfigCheck {
  /** How it is asked; or why it cannot be before it starts. */
  readonly command: Command | { readonly why: string };
  /** Whether a Secret's value is in what it is asked about: its answer may quote it, and is not shown. */
  readonly secret: boolean;
  problem(message: string): Problem;
}

/** With this a pattern only says whether it would start: exit 0, or 2 with every problem on stderr. */
export const CHECK_FLAG = "--check-config";
const PATIENCE: Milliseconds = 10_000;
const MOST_LINES = 20;

/** @returns undefined where it is not our own package's entry that starts: nobody knows its flags */
export function planConfigCheck(
  context: ContainerContext,
  pattern: Pattern,
  command: Command,
): ConfigCheck | undefined {
  const entry = ownEntry(pattern);
  if (!entry?.every((word, index) => command.argv[index] === word)) return undefined;
  const args = command.argv.slice(entry.length);
  const texts = [...args, ...[...context.variables.keys()].map((name) => command.env[name] ?? "")];
  const namesFiles = context.mounts.some(
    ({ folder, mountPath }) =>
      // What is named from the working directory may be in a volume, too; by then it is a folder of this machine.
      command.cwd.startsWith(folder) ||
      texts.some((text) => text.includes(folder) || text.includes(mountPath)),
  );
  const why = namesFiles
    ? "they, or its working directory, name files of its volumes, which are there when it starts"
    : args.some((word) => word.startsWith(CHECK_FLAG))
      ? `they say ${CHECK_FLAG} themselves`
      : null;
  return {
    command:
      why === null
        ? { ...command, env: askedWith(command.env), argv: [...entry, CHECK_FLAG, ...args] }
        : { why },
    // Arguments have a Secret's value by way of a variable only.
    secret: [...context.variables].some(([name, value]) => context.shown.get(name) !== value),
    problem: (message) => context.pod.document.problem([...context.pod.specPath, ...context.at], message),
  };
}

export interface Answers {
  readonly problems: Problem[];
  /** `pod/container: why`, for each that could not be asked or did not answer. */
  readonly unchecked: string[];
}

/** @param patience for each container, default 10 s */
export async function askPatterns(pods: readonly PodPlan[], patience = PATIENCE): Promise<Answers> {
  const answers: Answers = { problems: [], unchecked: [] };
  for (const pod of pods) {
    // One after the other: each is a Node, and a laptop has few cores.
    for (const { name, check } of [...pod.init, ...pod.main]) {
      if (!check) continue;
      const skip = (why: string): void => void answers.unchecked.push(`${pod.label}/${name}: ${why}`);
      if ("why" in check.command) {
        skip(check.command.why);
        continue;
      }
      const { code, stderr } = await ask(check.command, patience);
      if (code === 2) answers.problems.push(check.problem(check.secret ? UNSHOWN : spoken(stderr)));
      else if (code !== 0) skip(`its --check-config gave no answer (${code})`);
    }
  }
  return answers;
}

const UNSHOWN =
  "its --check-config refuses its arguments or environment; what it says is not shown, because a Secret's value is among them";

/** `outrigger-NAME: message`, what follows the first line under it. */
export function spoken(stderr: string): string {
  const lines = stderr.trimEnd().split("\n");
  if (lines.length > MOST_LINES) lines.splice(MOST_LINES, Infinity, "...");
  return lines.join("\n  ");
}

/**
 * What makes Node, the linker of programs, OpenSSL, or what a program may be wrapped in load code, or write files. Exact where
 * a prefix is common in pods: NODE_NAME and NODE_ENV are nobody's but the workload's.
 */
const LOADING = new RegExp(
  [
    "^(LD|DYLD|OPENSSL|GCONV)_",
    "^(PYTHON|PERL5|RUBY)",
    "^(BASH_ENV|SHELLOPTS|BASHOPTS|PS4|IFS|CDPATH|SSLKEYLOGFILE)$",
    "^NODE_(OPTIONS|PATH|EXTRA_CA_CERTS|V8_COVERAGE|COMPILE_CACHE.*|REDIRECT_WARNINGS|REPL_.*|ICU_DATA|CHANNEL_.*|DEBUG.*|PENDING_.*|TLS_.*|UNIQUE_ID|TEST_.*|USE_.*|DISABLE_.*)$",
    // A shell takes an exported function from a name such as BASH_FUNC_sed%%.
    "[^A-Za-z0-9_.-]",
  ].join("|"),
);

/** Of an environment what a program may be asked with: asking about a manifest must not run what the manifest names. */
export function askedWith(environment: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(environment).filter(([name]) => !LOADING.test(name)));
}

/** Runs it to its end. @param patience then it is killed, and that is the code */
export function ask(
  { argv, env, cwd }: Command,
  patience: Milliseconds = PATIENCE,
): Promise<{ readonly code: number | string; readonly stdout: string; readonly stderr: string }> {
  const [file, ...args] = argv;
  return new Promise((resolve) => {
    execFile(
      file as string,
      args,
      {
        // The folder that it will run in is made at the start.
        cwd: existsSync(cwd) ? cwd : tmpdir(),
        env,
        timeout: patience,
        killSignal: "SIGKILL",
        shell: false,
      },
      (error, stdout, stderr) =>
        resolve({ code: error ? (error.code ?? error.signal ?? "") : 0, stdout, stderr }),
    );
  });
}
