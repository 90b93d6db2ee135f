import assert from "node:assert/strict";
import { test } from "node:test";
import { alive, eventually, Folder } from "../testing/outrigger.ts";
import { act } from "./probe.ts";
import { ProcessGroup, type Command } from "./process-group.ts";

const node = (script: string, ...args: string[]): Command => ({
  argv: [process.execPath, "-e", script, ...args],
  env: {},
  cwd: process.cwd(),
});

test("a grandchild in a session of its own that holds the output does not keep its container running", async () => {
  const script = `const child = require("child_process").spawn(process.execPath, ["-e", "setInterval(() => {}, 1000)"],
    { detached: true, stdio: ["ignore", "inherit", "inherit"] });
    child.unref(); process.stdout.write("grandchild " + child.pid + "\\nno newline at the end", () => process.exit(3));`;
  const lines: string[] = [];
  const group = new ProcessGroup(node(script), (line) => lines.push(line));
  const ended = await group.ended;
  const grandchild = Number(/grandchild (\d+)/.exec(lines[0] ?? "")?.[1]);
  try {
    assert.deepEqual(ended, { code: 3, signal: null });
    assert.equal(lines[1], "no newline at the end");
    assert.ok(alive(grandchild), "it has escaped, as the README says");
  } finally {
    process.kill(grandchild, "SIGKILL");
  }
  await eventually("the grandchild has gone", () => !alive(grandchild));
});

test("what a process wrote before it ended is read whole, also when its group is killed after it", async () => {
  const script = `const line = "x".repeat(99) + "\\n"; process.stdout.write(line.repeat(20000));`;
  let bytes = 0;
  const group = new ProcessGroup(node(script), (line) => (bytes += line.length + 1));
  await group.ended;
  assert.equal(bytes, 2_000_000);
});

test("a command that the system refuses to start ends with code 127 and the reason, and throws nothing", async () => {
  using folder = new Folder();
  const text = folder.write("program", "", 0o755);
  for (const [command, reason] of [
    [
      node("", "x".repeat(200_000)),
      /^cannot start .*: its arguments and variables are longer than this system allows/,
    ],
    [{ ...node(""), argv: [`${text}/below`] }, /^cannot start .*below/],
    [{ ...node(""), argv: [`${folder.path}/none`] }, /^cannot start: no command/],
  ] as const) {
    const ended = await new ProcessGroup(command, () => {}).ended;
    assert.equal(ended.code, 127);
    assert.match(ended.reason ?? "", reason);
  }
});

test("a probe that Node cannot send fails, and throws nothing; one with a limit of a year is sent", async () => {
  const signal = new AbortController().signal;
  const http = {
    kind: "http",
    host: "127.0.0.1",
    port: 1,
    path: "/a b",
    secure: false,
    headers: [],
  } as const;
  assert.match(
    (await act(http, 1000, signal)) ?? "",
    /^cannot be done: Request path contains unescaped characters/,
  );
  assert.equal(await act({ ...http, path: "/" }, 31_536_000_000, signal), "ECONNREFUSED");
});
