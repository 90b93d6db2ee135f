/** Processes that a bench starts and ends by itself, pinned to a CPU, and what they cost. */
import { spawn, type ChildProcess } from "node:child_process";
import { readFileSync } from "node:fs";
import { connect } from "node:net";

/** Linux counts CPU time in ticks of 10 ms (sysconf(_SC_CLK_TCK) is 100 on every Linux that Node runs on). */
const MICROSECONDS_PER_TICK = 10_000;

export class Spawned {
  readonly name: string;
  readonly process: ChildProcess;
  #output = "";

  /** @param cpu which CPU it may use; taskset replaces itself by the program, so that the pid is the program's */
  constructor(name: string, cpu: number, command: string, args: readonly string[]) {
    this.name = name;
    this.process = spawn("taskset", ["-c", String(cpu), command, ...args], {
      stdio: ["ignore", "pipe", "pipe"],
    });
    const keep = (chunk: Buffer): void =>
      void (this.#output = (this.#output + chunk.toString()).slice(-4000));
    this.process.stdout?.on("data", keep);
    this.process.stderr?.on("data", keep);
  }

  get pid(): number {
    return this.process.pid as number;
  }

  /** Resolves when something accepts on the port; rejects with what the process printed when it ends before. */
  async listening(port: number): Promise<this> {
    while (!(await accepts(port))) {
      if (this.process.exitCode !== null || this.process.signalCode !== null)
        throw new Error(`${this.name} ended before it listened on ${port}:\n${this.#output}`);
      await new Promise<void>((resolve) => setImmediate(resolve));
    }
    return this;
  }

  cpuMicroseconds(): number {
    return cpuMicroseconds(this.pid);
  }

  /** Resident memory in bytes. */
  residentBytes(): number {
    return (
      Number(/^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${this.pid}/status`, "utf8"))?.[1] ?? 0) * 1024
    );
  }

  async stop(): Promise<void> {
    if (this.process.exitCode !== null || this.process.signalCode !== null) return;
    const ended = new Promise<void>((resolve) => this.process.once("exit", () => resolve()));
    this.process.kill("SIGKILL");
    await ended;
  }
}

/**
 * utime + stime of a process with all its threads, in microseconds.
 * @param children also of those that it has, and of those that have ended
 */
export function cpuMicroseconds(pid: number, children: "alone" | "and its children" = "alone"): number {
  const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
  // The second field is the program's name in parentheses and may have anything in it.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  const [user, system, endedUser, endedSystem] = fields.slice(11, 15).map(Number);
  const own = ((user as number) + (system as number)) * MICROSECONDS_PER_TICK;
  if (children === "alone") return own;
  const ended = ((endedUser as number) + (endedSystem as number)) * MICROSECONDS_PER_TICK;
  return childrenOf(pid).reduce((sum, child) => sum + cpuMicroseconds(child), own + ended);
}

function childrenOf(pid: number): number[] {
  const words = readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").split(" ");
  return words.filter((word) => word !== "").map(Number);
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host: "127.0.0.1", port });
    socket.once("connect", () => {
      socket.destroy();
      resolve(true);
    });
    socket.once("error", () => resolve(false));
  });
}
