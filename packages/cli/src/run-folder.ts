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

function explained<Value>(act: () => Value): Value {
  try {
    return act();
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    const why =
      code === "ENOENT"
        ? "there is no such folder"
        : code === "ENOTDIR"
          ? "it is not a folder"
          : `no folder can be made in it (${code})`;
    throw new OutriggerError(
      "no-temporary-folder",
      `the temporary folder ${tmpdir()}: ${why}; a run keeps its volumes there: set TMPDIR to a folder that you can write`,
      { cause: error },
    );
  }
}
