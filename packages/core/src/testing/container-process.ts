/** A pattern's container as a process, for the length of a test file. Not in the index: it makes a test of who imports it. */
import { spawn, spawnSync, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { request, type Agent } from "node:http";
import { createInterface } from "node:readline";
import { after } from "node:test";

const running = new Set<ChildProcess>();
after(() => {
  for (const child of running) child.kill("SIGKILL");
});

export interface LogLine {
  /** The whole line where it is not the container's own, but a child's. */
  readonly msg: string;
  readonly probe?: string[];
  readonly control?: string[];
  readonly listeners?: Record<string, string[]>;
  readonly cut?: number;
}

export type ContainerProcess = Awaited<ReturnType<typeof startContainer>>;

/** Starts the container of that entry with free ports; resolves when it says that it is ready. */
export async function startContainer(
  bin: string,
  args: readonly string[],
  env: NodeJS.ProcessEnv = process.env,
) {
  const child = spawn(
    process.execPath,
    [bin, "--probe", "127.0.0.1:0", "--control", "127.0.0.1:0", "--egress-quiet", "50ms", ...args],
    { stdio: ["ignore", "pipe", "pipe"], env },
  );
  running.add(child);
  const lines: LogLine[] = [];
  let errors = "";
  child.stderr.on("data", (chunk: Buffer) => (errors += chunk.toString()));
  const reader = createInterface({ input: child.stdout });
  const waiting = new Set<() => void>();
  reader.on("line", (line) => {
    lines.push(line.startsWith("{") ? (JSON.parse(line) as LogLine) : { msg: line });
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
    lines: lines as readonly LogLine[],
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
  options: { method?: string; headers?: Record<string, string>; agent?: Agent } = {},
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

export const runContainer = (bin: string, ...args: string[]) =>
  spawnSync(process.execPath, [bin, ...args], { encoding: "utf8" });
