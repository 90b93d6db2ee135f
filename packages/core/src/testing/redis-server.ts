/** A real redis-server (or valkey-server) of a test's own: on loopback, with nothing on the disk unless it is asked for. */
import { spawn, spawnSync, type ChildProcess } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { createConnection } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { freePort } from "./free-port.ts";

const COMMAND = ["redis-server", "valkey-server"].find(
  (command) => spawnSync(command, ["--version"]).error === undefined,
);

/** For a test's `skip`: false, or the reason. */
export const noRedisServer: string | false =
  COMMAND === undefined && "redis-server is not on PATH: apt-get install redis-server";

export class RedisServer {
  readonly port: number;
  /** Of its unix socket. */
  readonly socket: string;
  readonly folder: string;
  readonly #args: readonly string[];
  #child: ChildProcess | null = null;

  private constructor(port: number, folder: string, args: readonly string[]) {
    this.port = port;
    this.folder = folder;
    this.socket = join(folder, "redis.sock");
    this.#args = args;
  }

  /** @param args further settings as redis-server's command line has them: `--requirepass`, `x` */
  static async start(args: readonly string[] = []): Promise<RedisServer> {
    const folder = mkdtempSync(join(tmpdir(), "outrigger-redis-"));
    const server = new RedisServer(await freePort(), folder, args);
    await server.startAgain();
    return server;
  }

  get url(): string {
    return `redis://127.0.0.1:${this.port}`;
  }

  get pid(): number {
    return this.#child?.pid as number;
  }

  /** On the port that it had. What it held is lost, unless it was started with `--appendonly yes`. */
  async startAgain(): Promise<void> {
    const { port, socket, folder } = this;
    const args = ["--port", String(port), "--bind", "127.0.0.1", "--unixsocket", socket, "--dir", folder];
    const child = spawn(COMMAND ?? "redis-server", [...args, "--save", "", ...this.#args], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    let output = "";
    child.stdout.on("data", (chunk: Buffer) => (output = (output + chunk.toString()).slice(-4_000)));
    this.#child = child;
    let ended = false;
    child.once("exit", () => (ended = true));
    child.once("error", () => (ended = true));
    for (const limit = Date.now() + 10_000; !(await accepts(socket)); await pause(10))
      if (ended || Date.now() > limit) throw new Error(`redis-server did not start:\n${output}`);
  }

  kill(signal: NodeJS.Signals): void {
    this.#child?.kill(signal);
  }

  /** kill -9, and it is gone. */
  async crash(): Promise<void> {
    const child = this.#child;
    if (child === null || child.exitCode !== null || child.signalCode !== null) return;
    const gone = new Promise((resolve) => child.once("exit", resolve));
    child.kill("SIGKILL");
    await gone;
  }

  async end(): Promise<void> {
    await this.crash();
    rmSync(this.folder, { recursive: true, force: true });
  }
}

function accepts(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = createConnection({ path }, () => {
      socket.destroy();
      resolve(true);
    });
    socket.once("error", () => resolve(false));
  });
}
