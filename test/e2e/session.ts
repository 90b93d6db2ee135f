/** One shell that runs a case's commands in order, in the case's folder: variables and jobs last from block to block. */
import { spawn, type ChildProcess } from "node:child_process";

export interface Printed {
  readonly output: string;
  readonly code: number;
}

/** Between the outputs of two commands; no program of a case prints it. */
const MARK = "\u001e";

export class Session implements AsyncDisposable {
  readonly #shell: ChildProcess;
  readonly #ended: Promise<void>;
  #alive = true;
  #output = "";
  #heard: () => void = () => {};

  constructor(folder: string, env: NodeJS.ProcessEnv) {
    // A process group of its own: what a case leaves in the background ends with it.
    this.#shell = spawn("bash", ["--norc", "--noprofile"], {
      cwd: folder,
      env,
      stdio: ["pipe", "pipe", "ignore"],
      detached: true,
    });
    this.#ended = new Promise<void>((resolve) => {
      this.#shell.once("error", (error) => {
        this.#output += `cannot start bash: ${error.message}\n`;
        resolve();
      });
      this.#shell.once("close", () => resolve());
    }).then(() => {
      this.#alive = false;
      this.#heard();
    });
    this.#shell.stdin?.on("error", () => {});
    this.#shell.stdout?.setEncoding("utf8").on("data", (text: string) => {
      this.#output += text;
      this.#heard();
    });
    this.#shell.stdin?.write("exec 2>&1\n");
  }

  /**
   * What it printed, on both streams, and its exit code.
   * @param limit milliseconds
   * @throws when the shell ends, or nothing comes of the command within the limit
   */
  async run(command: string, limit: number): Promise<Printed> {
    this.#output = "";
    // Commands get no input: one that reads would take the next command.
    this.#shell.stdin?.write(`{ ${command}\n} </dev/null\nprintf '${MARK}%d${MARK}' $?\n`);
    const deadline = performance.now() + limit;
    for (;;) {
      const match = new RegExp(`^([^]*?)${MARK}(\\d+)${MARK}`).exec(this.#output);
      if (match) return { output: match[1] ?? "", code: Number(match[2]) };
      if (!this.#alive) throw new Error(`the shell ended; it had printed:\n${this.#output}`);
      if (performance.now() > deadline)
        throw new Error(`no end after ${limit / 1000} s; it had printed:\n${this.#output}`);
      await this.#more(deadline - performance.now());
    }
  }

  #more(atMost: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, Math.max(1, atMost));
      this.#heard = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#alive && this.#shell.pid !== undefined) {
      try {
        process.kill(-this.#shell.pid, "SIGKILL");
      } catch {
        // Nobody is left in it.
      }
    }
    this.#shell.stdout?.destroy();
    await this.#ended;
  }
}
