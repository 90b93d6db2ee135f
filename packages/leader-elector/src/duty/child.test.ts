/** The child, as a real process. */
import assert from "node:assert/strict";
import { fork, spawnSync } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { fileURLToPath } from "node:url";
import { systemClock, type Milliseconds, type OutriggerError } from "@outrigger/core";
import { eventually } from "@outrigger/core/testing";
import { createTerm, dutyDeps } from "../testing/term.ts";
import { Child, type ChildOptions } from "./child.ts";
import { hasEnded, readProcess } from "./process-table.ts";

const scratch = mkdtempSync(join(tmpdir(), "outrigger-child-"));
const created: Child[] = [];
after(async () => {
  // A test that failed may have left one running, which would hold the test's output open.
  await Promise.all(created.map((child) => child.end(createTerm(), "failed", hurried)));
  rmSync(scratch, { recursive: true, force: true });
});
let files = 0;
const file = (): string => join(scratch, String(files++));
const read = (path: string): string => (existsSync(path) ? readFileSync(path, "utf8") : "");
const pidIn = async (path: string): Promise<number> => {
  await eventually(`there is a pid in ${path}`, () => read(path).endsWith("\n"));
  return Number(read(path));
};
const runs = (pid: number): boolean => {
  const entry = readProcess(pid);
  return entry !== null && !hasEnded(entry);
};

const calm = new AbortController().signal;
const hurried = AbortSignal.abort();

/** Shell is what tests write commands in; the child itself is started without one. */
function create(script: string, options: Partial<ChildOptions> = {}, pid?: number) {
  const pauses: Milliseconds[] = [];
  const failures: string[] = [];
  // Restarts need not be waited for.
  const clock = {
    ...systemClock,
    sleep: (delay: Milliseconds, signal?: AbortSignal) => {
      if (delay >= 100) pauses.push(delay);
      return systemClock.sleep(Math.min(delay, 5), signal);
    },
  };
  const deps = dutyDeps(clock);
  const child = new Child(
    { argv: ["/bin/sh", "-c", script], ...options },
    { ...deps, onFailure: (reason) => void failures.push(reason), ...(pid !== undefined && { pid }) },
  );
  created.push(child);
  return { child, failures, pauses, lines: deps.lines, metrics: deps.metrics };
}

test("the child is told the term, and not what configures us", async () => {
  const out = file();
  process.env["OUTRIGGER_CONFIG"] = "secret: x";
  process.env["OTHER"] = "kept";
  const { child } = create(`env > ${out}; echo end >> ${out}; exec sleep 1000`);
  await child.begin(createTerm(12n), calm);
  await eventually("it has said its environment", () => read(out).endsWith("end\n"));
  await child.end(createTerm(12n), "stopped", hurried);
  const lines = read(out).split("\n");
  for (const line of ["OUTRIGGER_TOKEN=12", "OUTRIGGER_ELECTION=ticker", "OUTRIGGER_ID=pod-1", "OTHER=kept"])
    assert.ok(lines.includes(line), line);
  assert.doesNotMatch(read(out), /OUTRIGGER_CONFIG/);
});

test("end asks by SIGTERM and resolves when the last of what the child has started is gone", async () => {
  const [out, grandchild, hears] = [file(), file(), file()];
  // The child ends at once, its own child takes its time.
  const { child } = create(
    `(trap 'sleep 0.3; echo done >> ${out}; exit' TERM; echo >> ${hears}; while :; do sleep 0.01; done) & echo $! > ${grandchild}; trap 'exit 0' TERM; while :; do sleep 0.01; done`,
  );
  await child.begin(createTerm(), calm);
  const pid = await pidIn(grandchild);
  await eventually("it hears SIGTERM", () => read(hears) !== "");
  await child.end(createTerm(), "resigned", calm);
  assert.equal(read(out), "done\n");
  assert.ok(!runs(pid));
});

test("who does not hear SIGTERM is killed when the time is up, with all of its group", async () => {
  const [own, grandchild] = [file(), file()];
  const { child } = create(
    `trap '' TERM; (trap '' TERM; while :; do sleep 0.01; done) & echo $! > ${grandchild}; echo $$ > ${own}; while :; do sleep 0.01; done`,
  );
  await child.begin(createTerm(), calm);
  const pids = [await pidIn(own), await pidIn(grandchild)];
  const hurry = new AbortController();
  const ended = child.end(createTerm(), "lost", hurry.signal);
  assert.ok(pids.every(runs));
  hurry.abort();
  await ended;
  assert.ok(!pids.some(runs));
});

test("a child that ends by itself is started again, ever later, and what it left behind is ended before", async () => {
  const [out, left] = [file(), file()];
  const { child, pauses, failures, metrics } = create(
    `echo $OUTRIGGER_TOKEN >> ${out}; [ -e ${left} ] || { sleep 1000 & echo $! > ${left}; }; exit 3`,
  );
  await child.begin(createTerm(), calm);
  await eventually("it has run nine times", () => read(out).split("\n").length > 9);
  await child.end(createTerm(), "stopped", calm);
  assert.deepEqual(pauses.slice(0, 8), [100, 200, 400, 800, 1_600, 3_200, 6_400, 10_000]);
  assert.deepEqual(failures, []);
  assert.ok(!runs(await pidIn(left)));
  assert.match((await metrics.expose()).body, /outrigger_child_restarts_total [89]/);
});

test("with onExit: exit, a child that ends by itself ends the term, and says how", async () => {
  const { child, failures } = create("exit 3", { onExit: "exit" });
  await child.begin(createTerm(), calm);
  await eventually("it has failed", () => failures.length > 0);
  assert.deepEqual(failures, ["/bin/sh ended by itself (exit code 3)"]);
  await child.end(createTerm(), "failed", calm);
});

test("nothing is started again once the term ends, whatever moment that is", async () => {
  for (let round = 0; round < 20; round++) {
    const out = file();
    const { child } = create(`echo $$ >> ${out}; exit 0`);
    await child.begin(createTerm(), calm);
    for (let turn = 0; turn < round; turn++) await new Promise((resolve) => setTimeout(resolve, 1));
    await child.end(createTerm(), "stopped", calm);
    const pids = read(out).trim().split("\n").filter(Boolean).map(Number);
    assert.ok(!pids.some(runs));
    const before = read(out);
    await new Promise((resolve) => setImmediate(resolve));
    assert.equal(read(out), before);
  }
});

test("a child that is just being started again when the term ends is ended, too", async () => {
  const out = file();
  let ended: Promise<void> | undefined;
  const clock = {
    ...systemClock,
    async sleep(delay: Milliseconds) {
      if (delay < 100) return systemClock.sleep(delay);
      // Once it was spawned, and before Node says so, which it does after all microtasks.
      void later(50).then(() => (ended = child.end(createTerm(), "stopped", calm)));
    },
  };
  const later = async (turns: number): Promise<void> => {
    for (let turn = 0; turn < turns; turn++) await Promise.resolve();
  };
  const script = `[ -e ${out} ] && { echo $$ >> ${out}; exec sleep 1000; }; echo $$ > ${out}`;
  const child = new Child({ argv: ["/bin/sh", "-c", script] }, { ...dutyDeps(clock), onFailure: () => {} });
  await child.begin(createTerm(), calm);
  await eventually("it ends", () => ended !== undefined);
  await ended;
  for (const pid of read(out).trim().split("\n").map(Number)) assert.ok(!runs(pid));
});

test("who has ended and was not waited for does not hold the end up", async (t) => {
  const [zombie, careless] = [file(), file()];
  // Its parent leaves the group and becomes a sleep, which waits for nobody; before that it is a shell, which may.
  const { child } = create(
    `(sh -c 'echo $$ > ${zombie}; until grep -q sleep /proc/$PPID/comm; do sleep 0.01; done' & ` +
      `exec setsid sh -c 'echo $$ > ${careless}; exec sleep 1000') & wait`,
  );
  await child.begin(createTerm(), calm);
  const [pid, parent] = [await pidIn(zombie), await pidIn(careless)];
  t.after(() => process.kill(parent, "SIGKILL"));
  await eventually("it is a zombie", () => readProcess(pid)?.state === "Z");
  await child.end(createTerm(), "stopped", calm);
  assert.equal(readProcess(pid)?.state, "Z");
});

test("one term after another has a child of its own", async () => {
  const out = file();
  const { child } = create(`echo $OUTRIGGER_TOKEN >> ${out}; exec sleep 1000`);
  for (const token of [1n, 2n]) {
    await child.begin(createTerm(token), calm);
    await eventually("it runs", () => read(out).endsWith(`${token}\n`));
    await child.end(createTerm(token), "resigned", calm);
  }
  assert.equal(read(out), "1\n2\n");
});

test("a command that is not there is refused at the start, with what to do; one that goes later ends the term", async () => {
  const code = (error: OutriggerError) => error.code === "command-not-found";
  for (const [command, why] of [
    ["outrigger-no-such", /no command "outrigger-no-such" on PATH .*must be in this container's image/],
    ["/bin/no-such", /\/bin\/no-such is no file that may be executed/],
    [scratch, /is no file that may be executed/],
    ["", /no command ""/],
  ] as const) {
    const { child } = create("", { argv: [command] });
    await assert.rejects(child.start(), why);
    await assert.rejects(child.begin(createTerm(), calm), code);
    await child.end(createTerm(), "failed", calm);
  }
  const command = file();
  writeFileSync(command, `#!/bin/sh\nrm ${command}\n`, { mode: 0o755 });
  const { child, failures } = create("", { argv: [command] });
  await child.start();
  await child.begin(createTerm(), calm);
  await eventually("it has failed", () => failures.length > 0);
  assert.match(failures[0] ?? "", /is no file that may be executed/);
  await child.end(createTerm(), "failed", calm);
});

const noSetpriv =
  spawnSync("setpriv", ["--version"]).error !== undefined &&
  "setpriv is not on PATH: apt-get install util-linux";

const holderScript = fileURLToPath(
  new URL(`../testing/child-holder${import.meta.url.slice(-3)}`, import.meta.url),
);

test("an elector that exits at once takes along all that the child has started", async () => {
  const grandchild = file();
  const holder = fork(holderScript, ["sh", "-c", `sleep 1000 & echo $! > ${grandchild}; wait`]);
  await once(holder, "message");
  const pid = await pidIn(grandchild);
  holder.send("exit");
  await once(holder, "exit");
  await eventually("it has ended, too", () => !runs(pid));
});

test("a child that has ended is not looked for when the elector exits", async () => {
  const before = process.listenerCount("exit");
  const { child } = create("exec sleep 1000");
  await child.begin(createTerm(), calm);
  assert.equal(process.listenerCount("exit"), before + 1);
  await child.end(createTerm(), "stopped", hurried);
  assert.equal(process.listenerCount("exit"), before);
});

test("kill -9 of the elector takes the child along where setpriv is", { skip: noSetpriv }, async () => {
  const holder = fork(holderScript, ["sleep", "1000"]);
  const [pid] = (await once(holder, "message")) as [number];
  await eventually("setpriv has become the command", () => readProcess(pid)?.comm === "sleep");
  holder.kill("SIGKILL");
  await eventually("the child has ended", () => !runs(pid));
});

test("where nothing ties them the child would outlive us, and a warning says so; PID 1 needs no tie", async () => {
  const path = process.env["PATH"];
  process.env["PATH"] = scratch;
  try {
    const one = create("");
    await one.child.start();
    assert.match(
      one.lines.join(),
      /warn the child would outlive this process if that were killed \(kill -9\)/,
    );
    const other = create("", {}, 1);
    await other.child.start();
    assert.deepEqual(other.lines, []);
  } finally {
    process.env["PATH"] = path;
  }
});
