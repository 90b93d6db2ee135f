/**
 * A small process that outlives a killed `outrigger run`: it is told each process group that starts and ends, and
 * when the pipe from its parent closes (which SIGKILL does too), it ends the groups that are left and removes the
 * run's folder. Without it, kill -9 of the run would leave the pod's processes behind; Node has no prctl.
 */
import { spawn, type ChildProcess } from "node:child_process";
import { rmSync } from "node:fs";
import { fileURLToPath } from "node:url";

/** How long groups have between SIGTERM and SIGKILL when the run was killed. */
const GRACE_MS = 2000;

export class Watchdog {
  readonly #process: ChildProcess;

  constructor(folder: string) {
    this.#process = spawn(process.execPath, [fileURLToPath(import.meta.url), folder], {
      stdio: ["pipe", "ignore", "ignore"],
      detached: true,
    });
    this.#process.on("error", () => {});
    this.#process.stdin?.on("error", () => {});
    this.#process.unref();
  }

  started(group: number): void {
    this.#process.stdin?.write(`+${group}\n`);
  }

  ended(group: number): void {
    this.#process.stdin?.write(`-${group}\n`);
  }

  /** Everything has ended in order. */
  close(): void {
    this.#process.stdin?.end();
  }
}

/** The group of a line such as +4711; null where it is none: kill(0) is our own group, kill(-1) everybody. */
export function groupOf(line: string): number | null {
  const group = Number(line.slice(1));
  return Number.isInteger(group) && group > 1 ? group : null;
}

function watch(folder: string): void {
  const groups = new Set<number>();
  let rest = "";
  process.stdin.setEncoding("utf8");
  process.stdin.on("data", (text: string) => {
    const lines = (rest + text).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) {
      const group = groupOf(line);
      if (group === null) continue;
      if (line.startsWith("+")) groups.add(group);
      else groups.delete(group);
    }
  });
  process.stdin.on("end", () => {
    const finish = (): void => {
      rmSync(folder, { recursive: true, force: true });
      process.exit(0);
    };
    signalAll(groups, "SIGTERM");
    if (groups.size === 0) finish();
    const deadline = Date.now() + GRACE_MS;
    const timer = setInterval(() => {
      signalAll(groups, Date.now() >= deadline ? "SIGKILL" : 0);
      // A zombie that its new parent never reaps (a container without an init) counts as a group for ever.
      if (groups.size > 0 && Date.now() < deadline + GRACE_MS) return;
      clearInterval(timer);
      finish();
    }, 50);
  });
}

/** Signals each group; those that no longer exist are forgotten. */
function signalAll(groups: Set<number>, signal: NodeJS.Signals | 0): void {
  for (const group of groups) {
    try {
      process.kill(-group, signal);
    } catch {
      groups.delete(group);
    }
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) watch(process.argv[2] as string);
