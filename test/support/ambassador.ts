/** The ambassador as it is deployed: its own bin as a process, configured by a file. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { get } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { until } from "./polling.ts";
import { freePort } from "@outrigger/core/testing";
import { Program, type Exit } from "./program.ts";

/** Seen from test/dist/support. */
const BIN = fileURLToPath(
  new URL("../../../packages/ambassador/bin/outrigger-ambassador.js", import.meta.url),
);

/** A route of the file without name and address. */
export type RouteSettings = Readonly<Record<string, unknown>>;

export class AmbassadorProcess {
  readonly port: number;
  readonly configFile: string;
  readonly #folder: string;
  readonly #probe: number;
  readonly #control: number;
  #program: Program | null = null;

  private constructor(folder: string, port: number, probe: number, control: number) {
    this.#folder = folder;
    this.configFile = join(folder, "config.json");
    this.port = port;
    this.#probe = probe;
    this.#control = control;
  }

  /** Writes the file, starts, and resolves when it is ready. */
  static async start(route: RouteSettings): Promise<AmbassadorProcess> {
    const folder = mkdtempSync(join(tmpdir(), "outrigger-"));
    const ambassador = new AmbassadorProcess(folder, await freePort(), await freePort(), await freePort());
    ambassador.configure(route);
    await ambassador.startAgain();
    return ambassador;
  }

  get program(): Program {
    if (!this.#program) throw new Error("the ambassador has not been started");
    return this.#program;
  }

  get address(): string {
    return `127.0.0.1:${this.port}`;
  }

  /** As the kubelet calls a preStop: resolves with the status, when it is answered. */
  async drain(): Promise<number> {
    return (await this.#get("/drain", { "x-outrigger-drain": "preStop" })).status;
  }

  async isReady(): Promise<boolean> {
    return (await this.#get("/readyz").catch(() => ({ status: 0 }))).status === 200;
  }

  /** Rewrites the file in place; the ambassador sees that, or is told by SIGHUP. */
  configure(route: RouteSettings): void {
    this.write(JSON.stringify(this.document(route)));
  }

  document(route: RouteSettings): object {
    return {
      routes: [{ name: "catalog", listen: `127.0.0.1:${this.port}`, protocol: "http", ...route }],
      probe: `127.0.0.1:${this.#probe}`,
      control: `127.0.0.1:${this.#control}`,
      logLevel: "info",
    };
  }

  write(text: string): void {
    writeFileSync(this.configFile, text);
  }

  /** After it was killed. */
  async startAgain(): Promise<void> {
    this.launch();
    await until("the ambassador is ready", async () => {
      if (!this.program.alive) throw new Error(`the ambassador ended at its start:\n${this.program.output}`);
      return this.isReady();
    });
  }

  /** Starts it, and does not wait. */
  launch(): void {
    this.#program = Program.nodeWithAllFiles("ambassador", BIN, ["--config", this.configFile]);
  }

  async end(): Promise<Exit | null> {
    const program = this.#program;
    await program?.end();
    rmSync(this.#folder, { recursive: true, force: true });
    return program ? program.exited : null;
  }

  /** Sum of the series of a metric that have all of these labels, as `name="value"`. */
  async metric(name: string, ...labels: readonly string[]): Promise<number> {
    const { text } = await this.#get("/metrics");
    let sum = 0;
    for (const line of text.split("\n")) {
      const match = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)/.exec(line);
      if (match?.[1] === name && labels.every((label) => match[2]?.includes(label))) sum += Number(match[3]);
    }
    return sum;
  }

  async endpointsAvailable(): Promise<number> {
    return this.metric("outrigger_upstream_endpoints", 'state="available"');
  }

  #get(path: string, headers = {}): Promise<{ status: number; text: string }> {
    return new Promise((resolve, reject) => {
      const where = { host: "127.0.0.1", port: this.#probe, path, headers, agent: false };
      const request = get(where, (response) => {
        let text = "";
        response.setEncoding("utf8");
        response.on("data", (chunk: string) => (text += chunk));
        response.on("end", () => resolve({ status: response.statusCode ?? 0, text }));
        response.on("error", reject);
      });
      request.on("error", reject);
    });
  }
}
