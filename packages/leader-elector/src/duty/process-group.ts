/**
 * A command as a process group of its own, so that what it starts ends with it. Not in its power: a process that leaves the
 * group (setsid, as daemons do), and one that the kernel does not let go (state D).
 */
import { spawn, type ChildProcess, type StdioOptions } from "node:child_process";
import { accessSync, constants, statSync } from "node:fs";
import { delimiter, join } from "node:path";
import { OutriggerError, type Clock, type Milliseconds } from "@outrigger/core";
import type { Term } from "./duty.ts";
import { hasEnded, listProcesses } from "./process-table.ts";

/** Between two looks at whether a group has ended; nobody tells. */
const LOOK_EVERY: Milliseconds = 20;

/**
 * The environment of what runs because of leadership: ours, without what configures us (a child need not know it, and
 * another elector must not take it for its own), and with the term.
 */
export function termEnvironment(term: Term, more: Readonly<Record<string, string>> = {}): NodeJS.ProcessEnv {
  const inherited = Object.entries(process.env).filter(([name]) => !name.startsWith("OUTRIGGER_"));
  return {
    ...Object.fromEntries(inherited),
    OUTRIGGER_ELECTION: term.election,
    OUTRIGGER_ID: term.id,
    OUTRIGGER_TOKEN: String(term.token),
    ...more,
  };
}

/**
 * Where a command is, as execvp(3) finds it.
 * @throws OutriggerError `command-not-found`
 */
export function findCommand(argv: readonly string[], path = process.env["PATH"] ?? ""): string {
  const [name = ""] = argv;
  const places = name.includes("/")
    ? [name]
    : path.split(delimiter).map((folder) => join(folder || ".", name));
  const found = name === "" ? undefined : places.find(isExecutable);
  if (found !== undefined) return found;
  throw new OutriggerError(
    "command-not-found",
    name.includes("/")
      ? `${name} is no file that may be executed: check its path and its mode (chmod +x)`
      : `no command ${JSON.stringify(name)} on PATH (${path}): it must be in this container's image; build yours FROM ours, or give its path`,
  );
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return statSync(file).isFile();
  } catch {
    return false;
  }
}

export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

export const formatExit = ({ code, signal }: Exit): string =>
  signal === null ? `exit code ${code}` : `signal ${signal}`;

/** Those that may still run. A process that exits without ending its terms (a second SIGTERM, an error) takes them along. */
const running = new Set<ProcessGroup>();
const endAll = (): void => {
  for (const group of running) group.signal("SIGKILL");
};

export class ProcessGroup {
  readonly pid: number;
  readonly process: ChildProcess;
  /** Of the command itself; others of its group may still run. */
  readonly exited: Promise<Exit>;
  readonly #clock: Clock;

  private constructor(child: ChildProcess, clock: Clock) {
    this.process = child;
    this.pid = child.pid as number;
    this.#clock = clock;
    this.exited = new Promise((resolve) => child.once("exit", (code, signal) => resolve({ code, signal })));
    if (running.size === 0) process.on("exit", endAll);
    running.add(this);
  }

  /**
   * Resolves when it runs.
   * @throws OutriggerError `command-not-found`, `cannot-start`
   */
  static async start(
    argv: readonly string[],
    settings: { env: NodeJS.ProcessEnv; stdio: StdioOptions; clock: Clock },
  ): Promise<ProcessGroup> {
    const { env, stdio, clock } = settings;
    const command = findCommand(argv);
    const child = spawn(command, argv.slice(1), { env, stdio, detached: true });
    await new Promise<void>((resolve, reject) => {
      child.once("spawn", resolve);
      child.once("error", (error) =>
        reject(
          new OutriggerError("cannot-start", `cannot start ${command}: ${error.message}`, { cause: error }),
        ),
      );
    });
    child.on("error", () => {});
    return new ProcessGroup(child, clock);
  }

  /** Whether one of the group still runs. Those that have ended and were not waited for do not count. */
  get runs(): boolean {
    if (!this.#reaches(0)) return false;
    const all = listProcesses();
    return all.length === 0 || all.some((entry) => entry.group === this.pid && !hasEnded(entry));
  }

  /** To all of the group. */
  signal(signal: NodeJS.Signals): void {
    // A group that has ended may have left its number to another.
    if (this.runs) this.#reaches(signal);
  }

  #reaches(signal: NodeJS.Signals | 0): boolean {
    try {
      process.kill(-this.pid, signal);
      return true;
    } catch (error) {
      return (error as NodeJS.ErrnoException).code === "EPERM";
    }
  }

  /** Resolves when none of it runs any more. @param hurry the group is killed once it has aborted */
  async gone(hurry: AbortSignal): Promise<void> {
    for (;;) {
      // Again each time: one that was just being forked may have been missed.
      if (hurry.aborted) this.signal("SIGKILL");
      if (!this.runs) break;
      await this.#clock.sleep(LOOK_EVERY);
    }
    if (running.delete(this) && running.size === 0) process.off("exit", endAll);
  }
}
