/** What the workload wrote down of its work, over all of its lives. */
import { readFileSync } from "node:fs";
import type { WorkEntry } from "./judge.ts";

export const readJournal = (path: string): WorkEntry[] =>
  readFileSync(path, "utf8")
    .split("\n")
    // The last line may have been cut by its end.
    .filter((line) => line.endsWith("}"))
    .map((line) => JSON.parse(line) as WorkEntry);
