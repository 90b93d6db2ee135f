/**
 * A child process at the head of a process group of its own: a terminal's Ctrl-C does not reach it, and what it
 * starts ends with it, as everything in a container ends with its PID 1. (A grandchild that leaves the group by
 * setsid(2) escapes: only a PID namespace could hold it.)
 */
import { spawn, type ChildProcess } from "node:child_process";
import { systemClock, type Milliseconds } from "@outrigger/core";
import { LineSplitter } from "./lines.ts";

/** How a process ended. A process that could not be started has code 127 and a reason. */
export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly reason?: string;
}

/** The exit code as a container shows it: 128 + n for signal n. */
export function exitCodeOf(ended: Ended): number {
  if (ended.code !== null) return ended.code;
  return 128 + (SIGNAL_NUMBERS[ended.signal ?? ""] ?? 0);
}
const SIGNAL_NUMBERS: Readonly<Record<string, number>> = {
  SIGHUP: 1,
  SIGINT: 2,
  SIGQUIT: 3,
  SIGILL: 4,
  SIGTRAP: 5,
  SIGABRT: 6,
  SIGBUS: 7,
  SIGFPE: 8,
  SIGKILL: 9,
  SIGUSR1: 10,
  SIGSEGV: 11,
  SIGUSR2: 12,
  SIGPIPE: 13,
  SIGALRM: 14,
  SIGTERM: 15,
};

export function howItEnded(ended: Ended): string {
  if (ended.reason !== undefined) return ended.reason;
  if (ended.signal !== null) return `ended by ${ended.signal}`;
  return `exited with code ${ended.code}`;
}

export interface Command {
  readonly argv: readonly string[];
  /** The argv as it may be printed; absent where nothing in it is secret. */
  readonly shown?: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly cwd: string;
}

export interface GroupWatcher {
  started(group: number): void;
  ended(group: number): void;
}

/** How long output may still come after the process has ended, when something outside its group holds the pipes. */
const PIPES_PATIENCE: Milliseconds = 1000;

export class ProcessGroup {
  /** null: it could not be started. */
  readonly #child: ChildProcess | null;
  readonly pid: number | undefined;
  /** When the process has ended and its output has been read: all of it, or what came within a second of its end. */
  readonly ended: Promise<Ended>;

  constructor(
    command: Command,
    onLine: (line: string, stream: "stdout" | "stderr") => void,
    watcher?: GroupWatcher,
  ) {
    const [file, ...args] = command.argv;
    let child: ChildProcess;
    try {
      child = spawn(file as string, args, {
        cwd: command.cwd,
        env: command.env,
        stdio: ["ignore", "pipe", "pipe"],
        detached: true,
        shell: false,
      });
    } catch (error) {
      // ENOENT and EACCES come as events; the rest (E2BIG, ENOEXEC, ENOTDIR, ...) is thrown.
      this.#child = null;
      this.pid = undefined;
      this.ended = Promise.resolve(notStarted(command, error as NodeJS.ErrnoException));
      return;
    }
    this.#child = child;
    const { pid } = child;
    this.pid = pid;
    if (pid !== undefined) watcher?.started(pid);
    for (const stream of ["stdout", "stderr"] as const) {
      const lines = new LineSplitter((line) => onLine(line, stream));
      child[stream]?.on("data", (chunk: Buffer) => lines.write(chunk));
      child[stream]?.on("close", () => lines.end());
    }
    this.ended = new Promise((resolve) => {
      child.on("error", (error: NodeJS.ErrnoException) => {
        if (pid === undefined) resolve(notStarted(command, error));
      });
      child.once("exit", () => {
        // The head of the group has ended: the rest goes, which also closes the pipes that "close" waits for.
        this.signal("SIGKILL");
        // A grandchild in a session of its own lives on and may hold them: what it writes is waited for no longer.
        const timer = systemClock.timer(PIPES_PATIENCE, () => {
          // After a stall of this process the timer comes first: the pipes are read once more before they are closed.
          setImmediate(() => {
            child.stdout?.destroy();
            child.stderr?.destroy();
          });
        });
        child.once("close", () => timer.clear());
      });
      child.once("close", (code, signal) => {
        if (pid !== undefined) watcher?.ended(pid);
        resolve({ code, signal });
      });
    });
  }

  /** Sends a signal to the whole group; one that has gone is no error. */
  signal(name: NodeJS.Signals): void {
    if (this.pid === undefined) return;
    try {
      process.kill(-this.pid, name);
    } catch {
      // ESRCH: nobody left. EPERM on macOS: only zombies left.
    }
  }

  /** Sends a signal to the container's main process alone, as the kubelet does. */
  signalHead(name: NodeJS.Signals): void {
    this.#child?.kill(name);
  }
}

const notStarted = (command: Command, error: NodeJS.ErrnoException): Ended => ({
  code: 127,
  signal: null,
  reason: startError(command, error),
});

function startError(command: Command, error: NodeJS.ErrnoException): string {
  const file = (command.shown ?? command.argv)[0] as string;
  if (error.code === "ENOENT")
    return `cannot start: no command ${JSON.stringify(file)} (or no folder ${command.cwd})`;
  if (error.code === "EACCES") return `cannot start: ${file} is not executable`;
  if (error.code === "E2BIG")
    return `cannot start ${file}: its arguments and variables are longer than this system allows (on Linux 128 KiB for one): mount long values as files`;
  return `cannot start ${file}: ${error.code ?? error.message}`;
}
