/** The soak: each part on processes of its own, one after the other. */
import { soakBodies } from "./bodies.ts";
import { soakConnections } from "./connections.ts";
import { soakElections } from "./elections.ts";
import { soakLibrary } from "./library.ts";
import { soakQueue } from "./queue.ts";
import { soakReloads } from "./reloads.ts";
import { resultRow } from "./report.ts";
import { problems, type PartResult, type SoakResult } from "./result.ts";
import { soakSteady } from "./steady.ts";

type Part = (short: boolean, say: (text: string) => void) => Promise<PartResult>;

export const PARTS: Readonly<Record<PartResult["kind"], Part>> = {
  connections: soakConnections,
  bodies: soakBodies,
  reloads: soakReloads,
  library: soakLibrary,
  steady: soakSteady,
  elections: soakElections,
  queue: soakQueue,
};

export interface SoakRun {
  readonly result: SoakResult;
  /** Parts that are not as they must be, or did not come to their end. */
  readonly failed: number;
}

export async function runSoak(
  names: readonly (keyof typeof PARTS)[],
  short: boolean,
  say: (text: string) => void,
): Promise<SoakRun> {
  const parts: PartResult[] = [];
  let failed = 0;
  for (const name of names) {
    say(`${name} ...\n`);
    try {
      const part = await PARTS[name](short, say);
      parts.push(part);
      const found = problems(part);
      if (found.length > 0) failed++;
      const { what, memory, outcome } = resultRow(part);
      say(`${found.length === 0 ? "ok  " : "FAIL"} ${what}\n     memory: ${memory}\n     ${outcome}\n`);
      for (const problem of found) say(`     ${problem}\n`);
    } catch (thrown) {
      failed++;
      say(`FAIL ${name}: ${thrown instanceof Error ? thrown.message : String(thrown)}\n`);
    }
  }
  return { result: { node: process.version, short, parts }, failed };
}
