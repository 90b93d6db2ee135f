/** Reloads of the ambassador as a library: neither timers nor handles nor heap are left over. */
import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import { Fleet } from "../chaos/fleet.ts";
import { Program } from "../support/program.ts";
import type { LibraryResult } from "./result.ts";

const SCRIPT = fileURLToPath(new URL("./library-process.js", import.meta.url));

interface Look {
  readonly resources: Record<string, number>;
  readonly heap: number;
}

export async function soakLibrary(short: boolean): Promise<LibraryResult> {
  const reloads = short ? 100 : 1_000;
  const fleet = await Fleet.start(3);
  const args = ["--expose-gc", SCRIPT, "100", String(reloads), ...fleet.addresses];
  const library = new Program(
    "library",
    spawn(process.execPath, args, { stdio: ["ignore", "pipe", "pipe", "ipc"] }),
  );
  try {
    const { before, after } = (await library.receive()) as { before: Look; after: Look };
    return {
      kind: "library",
      reloads,
      resourcesBefore: before.resources,
      resourcesAfter: after.resources,
      heapBefore: before.heap,
      heapAfter: after.heap,
    };
  } finally {
    await library.end();
    await fleet.end();
  }
}
