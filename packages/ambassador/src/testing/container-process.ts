/** The ambassador's container as a process of its own, for the length of a test file. */
import { spawn, spawnSync, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { request, type Agent } from "node:http";
import { dirname, join } from "node:path";
import { createInterface } from "node:readline";
import { after } from "node:test";
import { fileURLToPath } from "node:url";

export const PACKAGE = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
export const BIN = join(PACKAGE, "bin", "outrigger-ambassador.js");
const running = new Set<ChildProcess>();
after(() => {
  for (const child of running) child.kill("SIGKILL");
});

interface LogLine {
  readonly msg: string;
  readonly probe?: string[];
  readonly control?: string[];
  readonly listeners?: Record<string, string[]>;
  readonly cut?: number;
}

/** Starts the container with free ports; resolves when it says that it is ready. */
export async function start(args: readonly string[]) {
  const child = spawn(
    process.execPath,
    [BIN, "--probe", "127.0.0.1:0", "--control", "127.0.0.1:0", "--egress-quiet", "50ms", ...args],
    { stdio: ["ignore", "pipe", "pipe"] },
  );
  running.add(child);
  const lines: LogLine[] = [];
  let errors = "";
  child.stderr.on("data", (chunk: Buffer) => (errors += chunk.toString()));
  const reader = createInterface({ input: child.stdout });
  const waiting = new Set<() => void>();
  reader.on("line", (line) => {
    lines.push(JSON.parse(line) as LogLine);
    for (const look of waiting) look();
  });
  const exited = once(child, "exit").then(([code]) => {
    running.delete(child);
    for (const look of waiting) look();
    return code as number | null;
  });
  const line = (wanted: RegExp): Promise<LogLine> =>
    new Promise((resolve, reject) => {
      const look = (): void => {
        const found = lines.find(({ msg }) => wanted.test(msg));
        if (!found && child.exitCode === null) return;
        waiting.delete(look);
        if (found) resolve(found);
        else
          reject(
            new Error(
              `the container ended before it said ${wanted.source}: ${errors}${JSON.stringify(lines)}`,
            ),
          );
      };
      waiting.add(look);
      look();
    });
  const ready = await line(/^ready$/);
  const portOf = (address: string | undefined): number =>
    Number(address?.slice(address.lastIndexOf(":") + 1));
  return {
    child,
    line,
    exited,
    port: portOf(Object.values(ready.listeners ?? {})[0]?.[0]),
    probe: portOf(ready.probe?.[0]),
    control: portOf(ready.control?.[0]),
  };
}

export async function get(
  port: number,
  path: string,
  options: { headers?: Record<string, string>; agent?: Agent } = {},
): Promise<{ status: number; body: string }> {
  return new Promise((resolve, reject) => {
    const call = request({ host: "127.0.0.1", port, path, ...options }, (response) => {
      let body = "";
      response.on("data", (chunk: Buffer) => (body += chunk.toString()));
      response.on("end", () => resolve({ status: response.statusCode ?? 0, body }));
    });
    call.on("error", reject);
    call.end();
  });
}

export const run = (...args: string[]) => spawnSync(process.execPath, [BIN, ...args], { encoding: "utf8" });
