import assert from "node:assert/strict";
import { test } from "node:test";
import { tmpdir } from "node:os";
import { until } from "../support/polling.ts";
import { Session } from "./session.ts";

const open = (): Session => new Session(tmpdir(), process.env);
const LIMIT = 10_000;

test("what one command sets the next one has, and each has an output and an exit code of its own", async () => {
  await using session = open();
  assert.deepEqual(await session.run("x=1; f() { echo $((x + 1)); }", LIMIT), { output: "", code: 0 });
  assert.deepEqual(await session.run("f; echo wrong >&2; false", LIMIT), { output: "2\nwrong\n", code: 1 });
  assert.deepEqual(await session.run("true", LIMIT), { output: "", code: 0 });
});

test("it is a reader's shell: a pipe's exit code is that of its last part", async () => {
  await using session = open();
  assert.equal((await session.run("false | cat", LIMIT)).code, 0);
});

test("a command that reads gets nothing, and not the next command", async () => {
  await using session = open();
  assert.deepEqual(await session.run("cat", LIMIT), { output: "", code: 0 });
  assert.deepEqual(await session.run("echo next", LIMIT), { output: "next\n", code: 0 });
});

test("a command without an end is given up, with what it had printed", async () => {
  await using session = open();
  await assert.rejects(session.run("echo begun; sleep 60", 300), /no end after 0.3 s.*\nbegun/);
});

test("a shell that ends says so", async () => {
  await using session = open();
  await assert.rejects(session.run("echo bye; exit 3", LIMIT), /the shell ended.*\nbye/);
});

test("what a case left in the background ends with its session", async () => {
  let pid = 0;
  {
    await using session = open();
    pid = Number((await session.run("sleep 600 & echo $!", LIMIT)).output);
    assert.ok(process.kill(pid, 0));
  }
  await until("it has ended", () => {
    try {
      return !process.kill(pid, 0);
    } catch {
      return true;
    }
  });
});
