/** A program that a test starts as a process of its own, and ends: its output, its memory, its open files. */
import { spawn, type ChildProcess } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";

export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** What still runs; ended when this process ends, however it ends. A stopped one (SIGSTOP) dies of SIGKILL, too. */
const running = new Set<ChildProcess>();
process.on("exit", () => {
  for (const child of running) child.kill("SIGKILL");
});
for (const signal of ["SIGINT", "SIGTERM"] as const)
  process.on(signal, () => process.exit(signal === "SIGINT" ? 130 : 143));

/** How much of a program's output is kept for the report of a failure, in characters. */
const TAIL = 8_000;

export class Program {
  readonly name: string;
  readonly exited: Promise<Exit>;
  readonly #child: ChildProcess;
  /** Nothing more comes over IPC. The exit can be told before the last message is. */
  readonly #silent: Promise<void>;
  #output = "";
  readonly #messages: unknown[] = [];
  readonly #readers: ((message: unknown) => void)[] = [];

  /** Node with a script; talks over IPC where the script does. */
  static node(name: string, script: string, args: readonly string[] = []): Program {
    return new Program(
      name,
      spawn(process.execPath, [script, ...args], { stdio: ["ignore", "pipe", "pipe", "ipc"] }),
    );
  }

  /**
   * The same without IPC (as an image starts it), by way of a shell that first raises the soft limit of open files to
   * the hard one. The shell is replaced by the program, so that the pid is the program's.
   */
  static nodeWithAllFiles(name: string, script: string, args: readonly string[] = [], ipc = false): Program {
    const raise = 'ulimit -Sn "$(ulimit -Hn)" && exec "$@"';
    return new Program(
      name,
      spawn("/bin/sh", ["-c", raise, "sh", process.execPath, script, ...args], {
        stdio: ipc ? ["ignore", "pipe", "pipe", "ipc"] : ["ignore", "pipe", "pipe"],
      }),
    );
  }

  constructor(name: string, child: ChildProcess) {
    this.name = name;
    this.#child = child;
    running.add(child);
    this.exited = new Promise((resolve, reject) => {
      child.once("error", (error) => {
        running.delete(child);
        reject(error);
      });
      child.once("exit", (code, signal) => {
        running.delete(child);
        resolve({ code, signal });
      });
    });
    this.exited.catch(() => {});
    this.#silent = new Promise((resolve) => {
      if (child.channel) child.once("disconnect", resolve);
      else resolve();
    });
    const keep = (chunk: Buffer): void =>
      void (this.#output = (this.#output + chunk.toString()).slice(-TAIL));
    child.stdout?.on("data", keep);
    child.stderr?.on("data", keep);
    child.on("message", (message) => {
      const reader = this.#readers.shift();
      if (reader) reader(message);
      else this.#messages.push(message);
    });
  }

  get pid(): number {
    return this.#child.pid as number;
  }

  get alive(): boolean {
    return running.has(this.#child);
  }

  /** The end of what it printed. */
  get output(): string {
    return this.#output;
  }

  kill(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  /** Ends it at once, and waits until it has ended. */
  async end(): Promise<void> {
    if (this.alive) this.kill("SIGKILL");
    await this.exited;
  }

  send(message: object | string): void {
    this.#child.send(message);
  }

  /** Its next message; rejects when it ends before it says one. */
  async receive(): Promise<unknown> {
    const first = this.#messages.shift();
    if (first !== undefined) return first;
    const gone = Promise.all([this.exited, this.#silent]).then(([{ code, signal }]) => {
      throw new Error(`${this.name} ended (${signal ?? `exit code ${code}`}) and said:\n${this.#output}`);
    });
    return Promise.race([new Promise((resolve) => this.#readers.push(resolve)), gone]);
  }

  async ask(message: object | string): Promise<unknown> {
    this.send(message);
    return this.receive();
  }

  /** Resident memory in bytes; 0 when it has ended. */
  residentBytes(): number {
    try {
      const status = readFileSync(`/proc/${this.pid}/status`, "utf8");
      return Number(/^VmRSS:\s+(\d+) kB/m.exec(status)?.[1] ?? 0) * 1024;
    } catch {
      return 0;
    }
  }

  openFiles(): number {
    try {
      return readdirSync(`/proc/${this.pid}/fd`).length;
    } catch {
      return 0;
    }
  }
}
