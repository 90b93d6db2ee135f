/** examples/leader-elector: what its README says happens on a laptop when the leader is killed, and when it is paused. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, test } from "node:test";
import { freePort } from "@outrigger/core/testing";
import { demo, ROOT, type Demo } from "./support/demo.ts";

const EXAMPLE = join(ROOT, "examples", "leader-elector");
const PATIENCE = 50_000;
/** Ends the child of a killed elector, on Linux; see the README of leader-elector. */
const noSetpriv = spawnSync("setpriv", ["--version"]).status !== 0 && "there is no setpriv";

/** The example's manifest on free ports. */
async function onFreePorts(folder: string): Promise<string> {
  let text = readFileSync(join(EXAMPLE, "pod.yaml"), "utf8");
  const ports = [...text.matchAll(/--(?:http|probe)=(\d+)/g)].map(([, port]) => port as string);
  assert.equal(new Set(ports).size, 6, "the example has changed: this test should, too");
  for (const port of ports) text = text.replace(`=${port}\n`, `=${await freePort()}\n`);
  const file = join(folder, "pod.yaml");
  writeFileSync(file, text);
  return file;
}

/** What ticks.mjs says of a log. */
function judged(log: string): { readonly status: number | null; readonly said: string } {
  const { status, stdout } = spawnSync(process.execPath, [join(EXAMPLE, "ticks.mjs"), "--gap", "20"], {
    input: log,
    encoding: "utf8",
  });
  return { status, said: stdout };
}

/** A tick of another than these. */
const tickOfOther = (...names: string[]): string =>
  `(ticker-${names.map((name) => `(?!${name.slice(-1)})`).join("")}\\d) +\\| tick`;
const ended = (name: string): string => `${name} +\\| \\S+ INFO  the child has ended[^]*`;

async function pidOf(run: Demo, container: string): Promise<number> {
  const [, pid] = await run.said(new RegExp(`${container}: started \\(pid (\\d+)\\)`));
  return Number(pid);
}

describe("the leader-elector's example", { concurrency: 2, skip: noSetpriv }, () => {
  for (const how of ["kill -9", "kill -STOP, and then -CONT"]) {
    const title =
      how === "kill -9"
        ? "another replica ticks when the leader is killed, and no second has two ticks"
        : "when the leader's elector alone is paused, its ticker goes on under the older token, until the elector does";
    test(title, async () => {
      const folder = mkdtempSync(join(tmpdir(), "outrigger-example-"));
      try {
        const run = demo([await onFreePorts(folder)], PATIENCE);
        const [, first = ""] = await run.said(new RegExp(tickOfOther()));
        const pid = await pidOf(run, first);
        process.kill(pid, how === "kill -9" ? "SIGKILL" : "SIGSTOP");
        const [, second = ""] = await run.said(new RegExp(tickOfOther(first)));
        if (how !== "kill -9") {
          process.kill(pid, "SIGCONT");
          await run.said(new RegExp(ended(first)));
        }
        process.kill(await pidOf(run, second), "SIGTERM");
        await run.said(new RegExp(ended(second) + tickOfOther(second)));
        process.kill(run.pid, "SIGTERM");
        const { code, output } = await run.ended;
        assert.equal(code, 0, output);
        const { status, said } = judged(output);
        assert.equal(status, 0, said);
        assert.match(said, /tokens \d+ \d+ \d+, /);
        assert.match(said, how === "kill -9" ? / 0 late/ : / [1-9]\d* late/);
      } finally {
        rmSync(folder, { recursive: true, force: true });
      }
    });
  }
});

test("whoever counts the ticks sees two tickers at once, a gap, and that nothing ticked", () => {
  const at = (time: string, token: number): string => `x | tick 2026-01-01T00:00:${time}Z token ${token}\n`;
  assert.deepEqual(judged(at("01.010", 1) + at("02.010", 1) + at("03.000", 4)), {
    status: 0,
    said: "3 ticks, no second with two, tokens 1 4, longest gap 1.0 s, 0 late under an older token\n",
  });
  assert.match(judged(at("01.010", 2) + at("01.900", 2)).said, /NOT ONE TICKER[^]*two ticks in one second/);
  assert.match(judged(at("01.010", 1) + at("01.011", 2)).said, /^1 ticks.* 1 late/);
  assert.match(judged(at("01.010", 2) + at("02.900", 1) + at("03.010", 2)).said, /^2 ticks.* 1 late/);
  assert.equal(judged(at("01.010", 1) + at("31.900", 1)).status, 1);
  assert.equal(judged("").status, 1);
});

test("the ticker is the same wherever the example has it", () => {
  const tickers = ["pod.yaml", "deployment.yaml", "README.md"].map((file) => {
    const text = readFileSync(join(EXAMPLE, file), "utf8");
    return /^ {2}ticker\.js: \|\n((?: {4}.*\n)+)/m.exec(text)?.[1] ?? `${file} has none`;
  });
  assert.equal(new Set(tickers).size, 1, tickers.join("\n"));
});
