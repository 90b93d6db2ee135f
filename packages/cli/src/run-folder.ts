/** The folder of one run in the system's temporary folder: its volumes and what it writes; it goes with the run. */
import { mkdirSync, realpathSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { OutriggerError } from "@outrigger/core";

/** @throws OutriggerError `no-temporary-folder` where there is none */
export function runFolder(): string {
  const name = `outrigger-${process.pid}-${Math.random().toString(36).slice(2, 8)}`;
  // The real path: macOS' /tmp is a symlink, and a workload may compare.
  return join(
    explained(() => realpathSync(tmpdir())),
    name,
  );
}

/** @throws OutriggerError `no-temporary-folder` where it cannot be made */
export function makeRunFolder(folder: string): void {
  explained(() => mkdirSync(folder, { mode: 0o700 }));
}

/** @throws OutriggerError `no-temporary-folder` with the remedy, where a write into the run's folder failed for want of room */
export async function withRoom<Value>(write: () => Promise<Value> | Value): Promise<Value> {
  try {
    return await write();
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw code !== undefined && Object.hasOwn(FULL, code) ? noTemporaryFolder(error) : error;
  }
}

function explained<Value>(act: () => Value): Value {
  try {
    return act();
  } catch (error) {
    throw noTemporaryFolder(error);
  }
}

const FULL: Readonly<Record<string, string>> = {
  ENOSPC: "there is no space left on its device",
  EDQUOT: "your quota on its device is used up",
};
const WRONG: Readonly<Record<string, string>> = {
  ENOENT: "there is no such folder",
  ENOTDIR: "it is not a folder",
};

function noTemporaryFolder(error: unknown): OutriggerError {
  const code = (error as NodeJS.ErrnoException).code ?? "";
  const full = FULL[code];
  const why = full ?? WRONG[code] ?? `no folder can be made in it (${code})`;
  const remedy =
    full === undefined
      ? "set TMPDIR to a folder that you can write"
      : "make room there, or set TMPDIR to a folder that has some";
  return new OutriggerError(
    "no-temporary-folder",
    `the temporary folder ${tmpdir()}: ${why}; a run keeps its volumes there: ${remedy}`,
    { cause: error },
  );
}
