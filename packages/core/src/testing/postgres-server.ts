/** A real Postgres of a test's own: on loopback, in a folder that goes with it. */
import { spawn, spawnSync, type ChildProcess } from "node:child_process";
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePort } from "./free-port.ts";
import { eventually } from "./eventually.ts";

/** Debian keeps its commands off PATH, by version. */
const BIN = findBin();

/** For a test's `skip`: false, or the reason. */
export const noPostgresServer: string | false =
  BIN === undefined && "no postgres is installed: apt-get install postgresql";

/** It refuses to run as root: then it is nobody's. */
const NOBODY = 65_534;
const user = process.getuid?.() === 0 ? { uid: NOBODY, gid: NOBODY } : {};

export class PostgresServer {
  readonly port: number;
  readonly folder: string;
  #child: ChildProcess | null = null;

  private constructor(port: number, folder: string) {
    this.port = port;
    this.folder = folder;
  }

  /** @param parent of its folder */
  static async start(parent = tmpdir()): Promise<PostgresServer> {
    const folder = mkdtempSync(join(parent, "outrigger-postgres-"));
    chmodSync(folder, 0o700);
    if ("uid" in user) chownSync(folder, NOBODY, NOBODY);
    const made = spawnSync(
      join(BIN as string, "initdb"),
      [
        "-D",
        join(folder, "data"),
        "-U",
        "postgres",
        "--auth=trust",
        "--no-sync",
        "--encoding=UTF8",
        "--locale=C",
      ],
      { ...user, cwd: folder, encoding: "utf8" },
    );
    if (made.status !== 0) throw new Error(`initdb failed: ${made.stderr}`);
    const server = new PostgresServer(await freePort(), folder);
    await server.startAgain();
    return server;
  }

  get url(): string {
    return `postgres://postgres@127.0.0.1:${this.port}/postgres`;
  }

  get pid(): number {
    return this.#child?.pid as number;
  }

  /** On the port that it had, with what it held. */
  async startAgain(): Promise<void> {
    const { port, folder } = this;
    const child = spawn(
      join(BIN as string, "postgres"),
      ["-D", join(folder, "data"), "-p", String(port), "-h", "127.0.0.1", "-k", folder],
      { ...user, cwd: folder, stdio: ["ignore", "ignore", "pipe"] },
    );
    let output = "";
    child.stderr.on("data", (chunk: Buffer) => (output = (output + chunk.toString()).slice(-4_000)));
    this.#child = child;
    await eventually("postgres is ready", () => {
      if (child.exitCode !== null) throw new Error(`postgres did not start:\n${output}`);
      return /ready to accept connections/.test(output);
    });
  }

  /** A user who was trusted until now is asked for a password from now on. */
  async requirePasswordOf(role: string): Promise<void> {
    const path = join(this.folder, "data", "pg_hba.conf");
    writeFileSync(path, `host all ${role} 127.0.0.1/32 scram-sha-256\n${readFileSync(path, "utf8")}`);
    const ended = spawnSync(join(BIN as string, "pg_ctl"), ["reload", "-D", join(this.folder, "data")], {
      ...user,
      cwd: this.folder,
      encoding: "utf8",
    });
    if (ended.status !== 0) throw new Error(`pg_ctl reload failed: ${ended.stderr}`);
  }

  /** To it and to its helpers: they are sessions of their own, and would go on serving. */
  kill(signal: NodeJS.Signals): void {
    if (this.#child === null || !isAlive(this.#child)) return;
    for (const helper of childrenOf(this.pid))
      try {
        process.kill(helper, signal);
      } catch {
        // It ended meanwhile.
      }
    this.#child.kill(signal);
  }

  /** kill -9 of all of it, as of a container; what was committed is there again after startAgain(). */
  async crash(): Promise<void> {
    const child = this.#child;
    if (child === null || !isAlive(child)) return;
    // Helpers hold its output until they end.
    const gone = new Promise((resolve) => child.once("close", resolve));
    // First: then it begins no further helpers.
    child.kill("SIGSTOP");
    this.kill("SIGKILL");
    await gone;
  }

  async end(): Promise<void> {
    await this.crash();
    rmSync(this.folder, { recursive: true, force: true });
  }
}

const isAlive = (child: ChildProcess): boolean => child.exitCode === null && child.signalCode === null;

const childrenOf = (pid: number): number[] =>
  readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8")
    .split(" ")
    .filter((word) => word !== "")
    .map(Number);

function findBin(): string | undefined {
  const debian = "/usr/lib/postgresql";
  const folders = existsSync(debian)
    ? readdirSync(debian).map((version) => join(debian, version, "bin"))
    : [];
  return [...folders.reverse(), "/usr/bin", "/usr/local/bin"].find((folder) =>
    existsSync(join(folder, "initdb")),
  );
}
