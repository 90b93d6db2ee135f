/** What /proc says of processes (proc(5)): enough to find one, to know it again, and to see whether a group has ended. */
import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import { basename } from "node:path";

export interface ProcessEntry {
  readonly pid: number;
  /** Its name, which the kernel cuts after 15 bytes. */
  readonly comm: string;
  readonly parent: number;
  readonly group: number;
  /** Z and X have ended, and only wait to be noticed. */
  readonly state: string;
  /** In ticks since the machine was booted: no later process with this pid has the same. */
  readonly startTime: string;
}

/** null: there is none any more. */
export function readProcess(pid: number): ProcessEntry | null {
  let stat: string;
  try {
    stat = readFileSync(`/proc/${pid}/stat`, "latin1");
  } catch {
    return null;
  }
  // The name stands in parentheses and may have some itself.
  const [open, close] = [stat.indexOf("("), stat.lastIndexOf(")")];
  const fields = stat.slice(close + 2).split(" ");
  const [state = "", parent = "", group = ""] = fields;
  return {
    pid,
    comm: stat.slice(open + 1, close),
    parent: Number(parent),
    group: Number(group),
    state,
    startTime: fields[19] ?? "",
  };
}

/** All that are visible here; empty where there is no /proc. */
export function listProcesses(): ProcessEntry[] {
  let names: string[];
  try {
    names = readdirSync("/proc");
  } catch {
    return [];
  }
  return names
    .filter((name) => /^\d+$/.test(name))
    .map((name) => readProcess(Number(name)))
    .filter((entry) => entry !== null);
}

export const hasEnded = ({ state }: ProcessEntry): boolean => state === "Z" || state === "X";

/** Whether it is called so: by the kernel, or by its program's file, where that may be read. */
export function isCalled(entry: ProcessEntry, name: string): boolean {
  if (entry.comm === Buffer.from(name).subarray(0, 15).toString("latin1")) return true;
  try {
    return basename(readlinkSync(`/proc/${entry.pid}/exe`)) === name;
  } catch {
    return false;
  }
}
