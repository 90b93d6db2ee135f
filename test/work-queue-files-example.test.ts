/** examples/work-queue-files: what its README says happens on a laptop when the queue is killed. */
import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { demo, ROOT } from "./support/demo.ts";
import { onFreePorts, PATIENCE } from "./support/queue-example.ts";

const EXAMPLE = join(ROOT, "examples", "work-queue-files");
const small = (folder: string): Promise<string> =>
  onFreePorts("work-queue-files", [8080, 14040], [/REPORTS = 60/, "REPORTS = 20"], folder);

test("with the queue killed among its jobs each report is right, and the program was asked for none twice", async () => {
  const folder = mkdtempSync(join(tmpdir(), "outrigger-example-"));
  try {
    const run = demo([await small(folder)], PATIENCE);
    const pid = Number((await run.said(/queue: started \(pid (\d+)\)/))[1]);
    await run.said(/made [0-9a-f]{32}\.csv/);
    process.kill(pid, "SIGKILL");
    await run.said(/20 of 20 reports are right/);
    process.kill(run.pid, "SIGTERM");
    const { code, output } = await run.ended;
    assert.equal(code, 0, output);
    assert.match(output, /queue: ended by SIGKILL; restarting/);
    const made = [...output.matchAll(/made ([0-9a-f]{32})\.csv/g)].map(([, id]) => id);
    assert.deepEqual([made.length, new Set(made).size], [20, 20]);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

test("the program is the same wherever the example has it", () => {
  const copies = ["pod.yaml", "deployment.yaml", "README.md"].map((file) => {
    const text = readFileSync(join(EXAMPLE, file), "utf8");
    return /^ {2}report\.sh: \|\n((?: {4}.*\n)+)/m.exec(text)?.[1] ?? `${file} has none`;
  });
  assert.equal(new Set(copies).size, 1, copies.join("\n"));
});
