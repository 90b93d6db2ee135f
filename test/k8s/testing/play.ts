/** What a test tells the stand-in for kubectl, and what that writes down: files of a folder that both know. */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";

export interface Play {
  /** No server answers. */
  readonly unreachable?: boolean;
  readonly minor?: string;
  /** What a command says as it fails, by its beginning, as in `delete namespace`. */
  readonly fails?: Readonly<Record<string, string>>;
  /** Fails an `apply` whose input has this text. */
  readonly refuses?: string;
  /** What the ticker of the last leader prints. */
  readonly ticks?: string;
  /** The shop's last line. */
  readonly shop?: string;
  /** That of the shop with pictures. */
  readonly pictures?: string;
}

export interface Call {
  readonly args: readonly string[];
  readonly input: string;
}

/** How it was called so far. */
export function recorded(folder: string): Call[] {
  const file = join(folder, "calls.jsonl");
  if (!existsSync(file)) return [];
  return readFileSync(file, "utf8")
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line) as Call);
}
