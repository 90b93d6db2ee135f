/** The backends of a scenario: real processes that are killed, stopped and started again on the ports that they had. */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { freePort } from "@outrigger/core/testing";
import { Program } from "../support/program.ts";
import type { Behaviour } from "./backend.ts";

const SCRIPT = fileURLToPath(new URL("./backend.js", import.meta.url));

export class Backend {
  readonly name: string;
  readonly port: number;
  readonly journal: string;
  #program: Program | null = null;

  constructor(name: string, port: number, journal: string) {
    this.name = name;
    this.port = port;
    this.journal = journal;
  }

  get address(): string {
    return `127.0.0.1:${this.port}`;
  }

  async start(): Promise<void> {
    this.#program = Program.node(this.name, SCRIPT, [this.name, String(this.port), this.journal]);
    await this.#program.receive();
  }

  /** kill -9, and it is gone. */
  async kill(): Promise<void> {
    await this.#program?.end();
  }

  /** SIGTERM, and it has ended by itself. */
  async terminate(): Promise<void> {
    this.#program?.kill("SIGTERM");
    await this.#program?.exited;
  }

  /** SIGSTOP: it stops, while the kernel goes on accepting connections for it. */
  pause(): void {
    this.#program?.kill("SIGSTOP");
  }

  resume(): void {
    this.#program?.kill("SIGCONT");
  }

  async behave(behaviour: Behaviour): Promise<void> {
    await this.#program?.ask({ behave: behaviour });
  }

  /** Requests that arrived here, in order, over all of its lives. */
  arrivals(): readonly { readonly id: number; readonly behaviour: string }[] {
    let text: string;
    try {
      text = readFileSync(this.journal, "utf8");
    } catch {
      return []; // nothing ever arrived, it was never started
    }
    return text
      .split("\n")
      .filter((line) => line !== "")
      .map((line) => {
        const [id = "", behaviour = ""] = line.split(" ");
        return { id: Number(id), behaviour };
      });
  }
}

export class Fleet {
  readonly backends: readonly Backend[];
  readonly folder: string;

  private constructor(folder: string, backends: readonly Backend[]) {
    this.folder = folder;
    this.backends = backends;
  }

  static async start(count: number): Promise<Fleet> {
    const folder = mkdtempSync(join(tmpdir(), "outrigger-fleet-"));
    const backends: Backend[] = [];
    for (let number = 1; number <= count; number++)
      backends.push(new Backend(`b${number}`, await freePort(), join(folder, `b${number}.journal`)));
    await Promise.all(backends.map((backend) => backend.start()));
    return new Fleet(folder, backends);
  }

  get addresses(): string[] {
    return this.backends.map(({ address }) => address);
  }

  at(index: number): Backend {
    const backend = this.backends[index];
    if (!backend) throw new Error(`there is no backend ${index}`);
    return backend;
  }

  async end(): Promise<void> {
    await Promise.all(this.backends.map((backend) => backend.kill()));
    rmSync(this.folder, { recursive: true, force: true });
  }
}
