/** examples/work-queue-files: what its README says happens on a laptop when the queue is killed. */
import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { freePort } from "@outrigger/core/testing";
import { demo, ROOT } from "./support/demo.ts";

const EXAMPLE = join(ROOT, "examples", "work-queue-files");
/** Making the database takes most of it. */
const PATIENCE = 100_000;

/** The example's manifest on free ports, with fewer files. */
async function onFreePorts(folder: string): Promise<string> {
  let text = readFileSync(join(EXAMPLE, "pod.yaml"), "utf8");
  const replace = (pattern: RegExp, by: string): void => {
    assert.match(text, pattern, "the example has changed: this test should, too");
    text = text.replace(pattern, by);
  };
  for (const port of [8080, 14040]) replace(new RegExp(`\\b${port}\\b`, "g"), String(await freePort()));
  const probe = /\/startupz, port: (\d+)/.exec(text)?.[1];
  replace(/^( +)- --listen=/m, `$1- --probe=${probe}\n$1- --control=off\n$1- --listen=`);
  replace(/REPORTS = 60/, "REPORTS = 20");
  const file = join(folder, "pod.yaml");
  writeFileSync(file, text);
  return file;
}

test("with the queue killed among its jobs each report is right, and the program was asked for none twice", async () => {
  const folder = mkdtempSync(join(tmpdir(), "outrigger-example-"));
  try {
    const run = demo([await onFreePorts(folder)], PATIENCE);
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
