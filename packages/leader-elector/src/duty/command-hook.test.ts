/** Commands at the beginning and the end of a term, as real processes. */
import assert from "node:assert/strict";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import type { OutriggerError } from "@outrigger/core";
import { eventually } from "../testing/eventually.ts";
import { createTerm, dutyDeps } from "../testing/term.ts";
import { CommandHook, type CommandHookOptions } from "./command-hook.ts";
import { hasEnded, readProcess } from "./process-table.ts";

const scratch = mkdtempSync(join(tmpdir(), "outrigger-hook-"));
after(() => rmSync(scratch, { recursive: true, force: true }));
let files = 0;
const file = (): string => join(scratch, String(files++));
const read = (path: string): string => (existsSync(path) ? readFileSync(path, "utf8") : "");
const calm = new AbortController().signal;
const sh = (script: string): readonly string[] => ["sh", "-c", script];

function create(options: CommandHookOptions) {
  const deps = dutyDeps();
  return { hook: new CommandHook(options, deps), ...deps };
}

test("both commands run once, with the term, the event and the reason", async () => {
  const out = file();
  const script = sh(
    `echo $OUTRIGGER_EVENT $OUTRIGGER_REASON $OUTRIGGER_TOKEN $OUTRIGGER_ELECTION $OUTRIGGER_ID >> ${out}`,
  );
  const { hook } = create({ acquired: script, ended: script });
  await hook.start();
  await hook.begin(createTerm(9n), calm);
  await hook.end(createTerm(9n), "sick", calm);
  assert.equal(read(out), "acquired 9 ticker pod-1\nended sick 9 ticker pod-1\n");
});

test("a command that fails at acquisition rejects with its last words; at the end it is logged", async () => {
  const { hook, lines, metrics } = create({
    acquired: sh("echo one >&2; echo no database >&2; exit 4"),
    ended: sh("kill -9 $$"),
  });
  await assert.rejects(hook.begin(createTerm(), calm), (error: OutriggerError) => {
    assert.equal(error.code, "hook-failed");
    assert.equal(error.message, "sh failed: exit code 4; it said: no database");
    return true;
  });
  await hook.end(createTerm(), "failed", calm);
  assert.ok(lines.includes("error the command at the end of leadership failed: sh failed: signal SIGKILL"));
  assert.ok(lines.includes("info one"));
  const { body } = await metrics.expose();
  for (const event of ["acquired", "ended"])
    assert.ok(body.includes(`outrigger_command_hook_failures_total{event="${event}"} 1`), event);
});

test("a command that takes too long is killed with its whole group", async () => {
  const pid = file();
  const { hook } = create({ acquired: sh(`sleep 1000 & echo $! > ${pid}; wait`), timeLimit: 300 });
  await assert.rejects(hook.begin(createTerm(), calm), /sh failed: it had not ended after 300ms/);
  const entry = readProcess(Number(read(pid)));
  assert.ok(entry === null || hasEnded(entry));
});

test("a command is killed when the term ends meanwhile, or the time for ending is up", async () => {
  for (const step of ["begin", "end"] as const) {
    const pid = file();
    const script = sh(`echo $$ > ${pid}; exec sleep 1000`);
    const { hook, lines } = create({ acquired: script, ended: script, timeLimit: 60_000 });
    const over = new AbortController();
    const done =
      step === "begin"
        ? assert.rejects(hook.begin(createTerm(), over.signal), /the term ended meanwhile/)
        : hook.end(createTerm(), "lost", over.signal);
    await eventually("it runs", () => read(pid) !== "");
    over.abort();
    await done;
    const entry = readProcess(Number(read(pid)));
    assert.ok(entry === null || hasEnded(entry));
    if (step === "end") assert.match(lines.join(), /error the command at the end of leadership failed/);
  }
});

test("what a command prints is bounded: a long line, a line without an end, many lines", async () => {
  const { hook, lines } = create({
    acquired: sh(
      "head -c 5000 /dev/zero | tr '\\0' x; echo; i=0; while [ $i -lt 150 ]; do echo l$i; i=$((i+1)); done; printf end",
    ),
  });
  await hook.begin(createTerm(), calm);
  assert.equal(lines[0], `info ${"x".repeat(1000)}...`);
  assert.equal(lines.length, 101);
  assert.equal(lines[99], "info l98");
  assert.equal(lines[100], "warn 52 further lines were dropped");
});

test("a grandchild that left the group and holds the output does not hold us", async () => {
  const pid = file();
  const { hook } = create({ acquired: sh(`setsid sleep 1000 & echo $! > ${pid}`) });
  await hook.begin(createTerm(), calm);
  const found = readProcess(Number(read(pid)));
  if (found !== null) process.kill(found.pid, "SIGKILL");
});

test("a command that is not there is refused at the start; without commands nothing happens", async () => {
  await assert.rejects(
    create({ ended: ["outrigger-no-such"] }).hook.start(),
    /no command "outrigger-no-such"/,
  );
  const { hook, lines } = create({});
  await hook.start();
  await hook.begin(createTerm(), calm);
  await hook.end(createTerm(), "stopped", calm);
  assert.deepEqual(lines, []);
});
