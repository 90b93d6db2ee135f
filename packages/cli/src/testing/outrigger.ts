/** Drives the `outrigger` command as a user does: a manifest in, lines and an exit code out. For tests. */
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";

const BIN = fileURLToPath(new URL("../../bin/outrigger.js", import.meta.url));
/** Long enough for a loaded machine; only a test that has failed waits for it. */
const PATIENCE_MS = 30_000;

/** A temporary folder with files, removed with the test. */
export class Folder implements Disposable {
  readonly path = mkdtempSync(join(tmpdir(), "outrigger-test-"));

  write(name: string, text: string, mode = 0o644): string {
    const file = join(this.path, name);
    writeFileSync(file, text);
    chmodSync(file, mode);
    return file;
  }

  [Symbol.dispose](): void {
    rmSync(this.path, { recursive: true, force: true });
  }
}

export class Outrigger implements AsyncDisposable {
  readonly process: ChildProcess;
  readonly lines: string[] = [];
  stderr = "";
  /** stdout as it came, for what is not lines. */
  stdout = "";
  readonly ended: Promise<number>;
  #onLine = new Set<() => void>();

  /** @param stdout an open file that gets the output; then no lines are seen */
  constructor(
    args: readonly string[],
    env: Readonly<Record<string, string>> = {},
    stdout: "pipe" | number = "pipe",
  ) {
    this.process = spawn(process.execPath, [BIN, ...args], {
      stdio: ["ignore", stdout, "pipe"],
      env: { ...process.env, ...env },
    });
    let rest = "";
    this.process.stdout?.setEncoding("utf8").on("data", (text: string) => {
      this.stdout += text;
      const lines = (rest + text).split("\n");
      rest = lines.pop() ?? "";
      this.lines.push(...lines);
      for (const notify of this.#onLine) notify();
    });
    this.process.stderr?.setEncoding("utf8").on("data", (text: string) => (this.stderr += text));
    // A run that does not end fails its test instead of holding it up.
    const limit = setTimeout(() => this.process.kill("SIGKILL"), 2 * PATIENCE_MS);
    this.ended = once(this.process, "close").then(([code, signal]) => {
      clearTimeout(limit);
      for (const notify of this.#onLine) notify();
      return (code as number | null) ?? (signal === null ? -1 : -2);
    });
  }

  /** Resolves with the first line (from `from` on) that matches; fails with all that was said when none comes. */
  async line(pattern: RegExp, from = 0): Promise<string> {
    const find = (): string | undefined => this.lines.slice(from).find((line) => pattern.test(line));
    const deadline = Date.now() + PATIENCE_MS;
    for (;;) {
      const found = find();
      if (found !== undefined) return found;
      if (this.process.exitCode !== null || this.process.signalCode !== null || Date.now() > deadline) {
        await new Promise((resolve) => setImmediate(resolve));
        const late = find();
        if (late !== undefined) return late;
        throw new Error(
          `no line matched ${pattern}; stdout:\n${this.lines.join("\n")}\nstderr:\n${this.stderr}`,
        );
      }
      await new Promise<void>((resolve) => {
        const listeners = this.#onLine;
        const done = (): void => {
          clearTimeout(timer);
          listeners.delete(done);
          resolve();
        };
        const timer = setTimeout(done, 1000);
        listeners.add(done);
      });
    }
  }

  /** The place of the first line that matches, for order. */
  at(pattern: RegExp): number {
    const index = this.lines.findIndex((line) => pattern.test(line));
    if (index < 0) throw new Error(`no line matched ${pattern}:\n${this.lines.join("\n")}\n${this.stderr}`);
    return index;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.process.exitCode === null && this.process.signalCode === null) {
      // Two signals end it at once; the same one twice would be one request.
      this.process.kill("SIGTERM");
      this.process.kill("SIGINT");
    }
    await this.ended;
  }
}

/** PATH with a folder before it, for stand-ins of pattern bins. */
export const pathWith = (folder: string): string => `${folder}${delimiter}${process.env["PATH"] ?? ""}`;

export { freePort } from "@outrigger/core/testing";

/** Resolves when a condition holds, asked again and again. */
export async function eventually(what: string, condition: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = Date.now() + PATIENCE_MS;
  while (!(await condition())) {
    if (Date.now() > deadline) throw new Error(`never: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

export function alive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

/** A Pod manifest from JSON (which is YAML). */
export function podManifest(spec: object, metadata: object = {}): string {
  return JSON.stringify({ apiVersion: "v1", kind: "Pod", metadata: { name: "shop", ...metadata }, spec });
}

/** A container that runs a Node script. */
export const nodeContainer = (name: string, script: string, more: object = {}): object => ({
  name,
  image: "node:24",
  command: [process.execPath, "-e", script],
  ...more,
});

/** Runs until SIGTERM, then says so and exits 0. */
export const STEADY = `
  process.on("SIGTERM", () => { console.log("got SIGTERM"); process.exit(0); });
  setInterval(() => {}, 1000); console.log("up");`;
