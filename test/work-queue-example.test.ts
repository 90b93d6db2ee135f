/** examples/work-queue: what its README says happens on a laptop when the queue is killed. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { demo, ROOT, type Demo } from "./support/demo.ts";
import { onFreePorts, PATIENCE } from "./support/queue-example.ts";

const EXAMPLE = join(ROOT, "examples", "work-queue");
const small = (folder: string): Promise<string> =>
  onFreePorts("work-queue", [3000, 8080, 14040], [/\[300, 40\]/, "[80, 40]"], folder);

/** What made.mjs says of a log. */
function judged(log: string): { readonly status: number | null; readonly said: string } {
  const { status, stdout } = spawnSync(process.execPath, [join(EXAMPLE, "made.mjs")], {
    input: log,
    encoding: "utf8",
  });
  return { status, said: stdout };
}

async function pidOfQueue(run: Demo): Promise<number> {
  return Number((await run.said(/queue: started \(pid (\d+)\)/))[1]);
}

test("without the queue most pictures are refused; with it, and killed meanwhile, each that was accepted is made", async () => {
  const folder = mkdtempSync(join(tmpdir(), "outrigger-example-"));
  try {
    const run = demo([await small(folder)], PATIENCE);
    const [, straight] = await run.said(/without the queue: (\d+) of 40 made/);
    assert.ok(Number(straight) < 20, straight);
    const pid = await pidOfQueue(run);
    await run.said(/accepted picture-/);
    process.kill(pid, "SIGKILL");
    await run.said(/with the queue: 80 of 80 made, 0 failed/);
    process.kill(run.pid, "SIGTERM");
    const { code, output } = await run.ended;
    assert.equal(code, 0, output);
    assert.match(output, /queue: ended by SIGKILL; restarting/);
    const { status, said } = judged(output);
    assert.equal(status, 0, said);
    assert.match(said, /^80 pictures accepted, 80 made, 0 lost, \d+ made more than once\n$/);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

test("whoever counts the pictures sees one that is lost, one that was made twice, and that none was accepted", () => {
  const log =
    "shop | accepted picture-1 picture-2\nx | made picture-1\ny | made picture-2\nx | made picture-1\n";
  assert.deepEqual(judged(log), {
    status: 0,
    said: "2 pictures accepted, 2 made, 0 lost, 1 made more than once\n",
  });
  const lost = judged(`${log}202 accepted picture-11\n`);
  assert.deepEqual(
    [lost.status, /1 lost, 1 made.*\nlost: picture-11\n/.test(lost.said)],
    [1, true],
    lost.said,
  );
  assert.equal(judged("made picture-1\n").status, 1);
});

test("the thumbnailer is the same wherever the example has it", () => {
  const copies = ["pod.yaml", "deployment.yaml", "README.md"].map((file) => {
    const text = readFileSync(join(EXAMPLE, file), "utf8");
    return /^ {2}thumbnailer\.js: \|\n((?: {4}.*\n)+)/m.exec(text)?.[1] ?? `${file} has none`;
  });
  assert.equal(new Set(copies).size, 1, copies.join("\n"));
});
