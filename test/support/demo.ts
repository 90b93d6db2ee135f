/** `npm run demo` as a process: what it says, and how it ends. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

/** Seen from test/dist/support. */
export const ROOT = fileURLToPath(new URL("../../../", import.meta.url));
/** Milliseconds. */
const PATIENCE = 20_000;

export interface Demo {
  readonly pid: number;
  /** Resolves when the output has a match. */
  readonly said: (pattern: RegExp) => Promise<RegExpExecArray>;
  readonly ended: Promise<{ readonly code: number | null; readonly output: string }>;
}

/**
 * `node scripts/demo.mjs` at the head of a process group of its own.
 * @param patience milliseconds until it is killed
 */
export function demo(args: readonly string[], patience = PATIENCE): Demo {
  // The demo installs what is missing, which is not for a test to do beside others.
  assert.ok(existsSync(join(ROOT, "node_modules", ".outrigger-lock")), "not set up: run npm run build first");
  const child = spawn(process.execPath, [join(ROOT, "scripts", "demo.mjs"), ...args], {
    stdio: ["ignore", "pipe", "pipe"],
    detached: true,
  });
  let output = "";
  const heard = new Set<() => void>();
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding("utf8").on("data", (text: string) => {
      output += text;
      for (const look of heard) look();
    });
  // One that does not end fails its test; the run's watchdog ends what it has started.
  const limit = setTimeout(() => process.kill(-(child.pid as number), "SIGKILL"), patience);
  const ended = once(child, "close").then(([code]) => {
    clearTimeout(limit);
    return { code: code as number | null, output };
  });
  const said = async (pattern: RegExp): Promise<RegExpExecArray> => {
    const found = new Promise<void>((resolve) => {
      const look = (): void => {
        if (pattern.test(output)) resolve();
      };
      heard.add(look);
      look();
    });
    await Promise.race([found, ended]);
    const match = pattern.exec(output);
    assert.ok(match, `it ended before it said ${pattern}:\n${output}`);
    return match;
  };
  return { pid: child.pid as number, said, ended };
}
