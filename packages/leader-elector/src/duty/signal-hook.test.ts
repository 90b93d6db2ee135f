/** Signals to processes that know nothing of us. */
import assert from "node:assert/strict";
import { spawn, type ChildProcess } from "node:child_process";
import { copyFileSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import type { OutriggerError } from "@outrigger/core";
import { eventually } from "../testing/eventually.ts";
import { createTerm, dutyDeps } from "../testing/term.ts";
import { readProcess } from "./process-table.ts";
import { findByName, SignalHook, type SignalHookOptions } from "./signal-hook.ts";

const scratch = mkdtempSync(join(tmpdir(), "outrigger-signal-"));
const children: ChildProcess[] = [];
after(() => {
  for (const child of children) child.kill("SIGKILL");
  rmSync(scratch, { recursive: true, force: true });
});
let count = 0;
const read = (path: string): string => (existsSync(path) ? readFileSync(path, "utf8") : "");
const calm = new AbortController().signal;
const code = (expected: string) => (error: OutriggerError) => error.code === expected;

/** A process of a name that no other has, which writes down each signal. */
async function workload(name = `wl${process.pid}-${count++}`, program = "") {
  const out = join(scratch, `${name}.out`);
  const shell = join(scratch, name);
  copyFileSync("/bin/sh", shell);
  const script = `trap 'echo usr1 >> ${out}' USR1; trap 'echo usr2 >> ${out}' USR2; trap 'echo hup >> ${out}' HUP; ${program}
    echo up >> ${out}; while :; do sleep 0.01; done`;
  const child = spawn(shell, ["-c", script], { stdio: "ignore" });
  children.push(child);
  await eventually("it is up", () => read(out).endsWith("up\n"));
  return { name, out, child, pid: child.pid as number };
}

function create(options: SignalHookOptions) {
  const deps = dutyDeps();
  return { hook: new SignalHook(options, deps), ...deps };
}

test("the process of a name gets SIGUSR1 when leadership begins, and SIGUSR2 when it ends", async () => {
  const { name, out } = await workload();
  const { hook } = create({ process: { name } });
  await hook.begin(createTerm(), calm);
  await eventually("it was told", () => read(out) === "up\nusr1\n");
  await hook.end(createTerm(), "resigned", calm);
  await eventually("it was told", () => read(out) === "up\nusr1\nusr2\n");
});

test("other signals can be chosen, and a name longer than the kernel keeps is known by its program", async () => {
  const { name, out } = await workload(`wl${process.pid}-with-a-long-name`);
  const { hook } = create({ process: { name }, acquired: "SIGHUP" });
  await hook.begin(createTerm(), calm);
  await eventually("it was told", () => read(out) === "up\nhup\n");
});

test("of a master and its workers the master is told; of two strangers nobody, with the remedy", async () => {
  const { name, pid, out } = await workload(undefined, `(while :; do sleep 0.01; done) &`);
  assert.equal(findByName(name)?.pid, pid);
  const { hook } = create({ process: { name } });
  await hook.begin(createTerm(), calm);
  await eventually("it was told", () => read(out).endsWith("usr1\n"));
  const second = spawn(join(scratch, name), ["-c", "while :; do sleep 0.01; done"], { stdio: "ignore" });
  children.push(second);
  await eventually("there are two", () => readProcess(second.pid as number)?.comm === name.slice(0, 15));
  await assert.rejects(hook.begin(createTerm(), calm), /processes are called .* name one by its pid file/);
});

test("no process at acquisition rejects with what it needs; at the end it is gone, and that is fine", async () => {
  const { hook, lines, metrics } = create({ process: { name: "outrigger-none" }, timeLimit: 0 });
  await assert.rejects(
    hook.begin(createTerm(), calm),
    /no process called "outrigger-none" in 0s?m?s?: the pod needs shareProcessNamespace: true/,
  );
  await hook.end(createTerm(), "failed", calm);
  assert.deepEqual(lines, ["info the process to be told that leadership ended is not there any more"]);
  assert.match((await metrics.expose()).body, /signal_hook_failures_total\{event="acquired"\} 1/);
});

test("a process that starts meanwhile is waited for, until the term ends", async () => {
  const name = `wl${process.pid}-late`;
  const { hook } = create({ process: { name }, timeLimit: 60_000 });
  const begun = hook.begin(createTerm(), calm);
  const { out } = await workload(name);
  await begun;
  await eventually("it was told", () => read(out).endsWith("usr1\n"));

  const over = new AbortController();
  const waiting = create({ process: { name: "outrigger-none" }, timeLimit: 60_000 }).hook.begin(
    createTerm(),
    over.signal,
  );
  over.abort(new Error("resigned"));
  await assert.rejects(waiting, /resigned/);
});

test("a pid file names the process; what is none, or our own, is refused", async () => {
  const { out, pid } = await workload();
  const pidFile = join(scratch, "pid");
  const { hook } = create({ process: { pidFile }, timeLimit: 0 });
  await assert.rejects(
    hook.begin(createTerm(), calm),
    /no process of the pid file .* both containers must see the file/,
  );
  writeFileSync(pidFile, `${pid}\n`);
  await hook.begin(createTerm(), calm);
  await eventually("it was told", () => read(out).endsWith("usr1\n"));
  for (const text of ["x", "-1", "0", "1 2", String(process.pid)]) {
    writeFileSync(pidFile, text);
    await assert.rejects(hook.begin(createTerm(), calm), /which is no pid of another process/, text);
  }
  writeFileSync(pidFile, "4194305");
  await assert.rejects(hook.begin(createTerm(), calm), code("no-process"));
});

test("we are never found by our own name", () => {
  const own = readProcess(process.pid);
  assert.ok(own);
  // Others may be called so, too: this one is none of them.
  let found: number | undefined;
  try {
    found = findByName(own.comm)?.pid;
  } catch (error) {
    assert.doesNotMatch((error as Error).message, new RegExp(`[( ]${process.pid}[,)]`));
  }
  assert.notEqual(found, process.pid);
});
