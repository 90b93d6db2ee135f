/** The leader-elector's simulation over many seeds: ours alone, and beside client-go's candidates. */
import { fileURLToPath } from "node:url";
import { Program } from "../support/program.ts";
import type { ElectionsResult, FieldResult } from "./result.ts";

/** Seen from test/dist/soak. */
const SIMULATE = fileURLToPath(
  new URL("../../../packages/leader-elector/dist/testing/simulate.js", import.meta.url),
);

export async function soakElections(short: boolean, say: (text: string) => void): Promise<ElectionsResult> {
  const seeds = short ? 2_000 : 50_000;
  const began = performance.now();
  const fields = await Promise.all((["ours", "mixed"] as const).map((field) => run(field, seeds, say)));
  return { kind: "elections", seconds: Math.round((performance.now() - began) / 1000), fields };
}

async function run(field: string, seeds: number, say: (text: string) => void): Promise<FieldResult> {
  const program = Program.node(`simulation of ${field}`, SIMULATE, [field, "1", String(seeds)]);
  try {
    for (;;) {
      const tally = (await program.receive()) as FieldResult & { readonly done: boolean };
      say(`     ${field}: ${tally.seeds} of ${seeds} seeds, ${tally.broken.length} broken\n`);
      const { done, ...result } = tally;
      if (done) return result;
    }
  } finally {
    await program.end();
  }
}
