import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { test } from "node:test";
import { Program } from "./program.ts";

function speaking(script: string): Program {
  return new Program(
    "speaker",
    spawn(process.execPath, ["-e", script], { stdio: ["ignore", "pipe", "pipe", "ipc"] }),
  );
}

test("the last message of a program that ends at once is received, and the one that never comes is told", async () => {
  const program = speaking(`process.send({ text: "x".repeat(5e6) }, () => process.exit(0))`);
  await program.exited;
  const { text } = (await program.receive()) as { text: string };
  assert.equal(text.length, 5e6);
  await assert.rejects(program.receive(), /speaker ended \(exit code 0\)/);
});

test("a program that ended says how, and what it printed", async () => {
  const program = speaking(`console.error("no such thing"); process.exitCode = 3`);
  await assert.rejects(program.receive(), /ended \(exit code 3\) and said:\nno such thing/);
});

test("a stopped program can be ended", async () => {
  const program = speaking(`process.on("message", () => {}); process.send("up")`);
  assert.equal(await program.receive(), "up");
  program.kill("SIGSTOP");
  await program.end();
  assert.equal((await program.exited).signal, "SIGKILL");
  assert.equal(program.alive, false);
});
