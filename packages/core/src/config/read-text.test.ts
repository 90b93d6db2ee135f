import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, readlinkSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { LARGEST_FILE, readText } from "./read-text.ts";

function fileWith(context: TestContext, content: string | Buffer): string {
  const folder = mkdtempSync(join(tmpdir(), "outrigger-text-"));
  context.after(() => rmSync(folder, { recursive: true }));
  const path = join(folder, "c.yaml");
  writeFileSync(path, content);
  return path;
}

test("a file of up to 1 MiB of UTF-8 is read whole, a larger one is refused", async (context) => {
  const text = `é${"x".repeat(LARGEST_FILE - 2)}`;
  assert.equal(await readText(fileWith(context, text)), text);
  assert.equal(await readText(fileWith(context, "")), "");
  await assert.rejects(readText(fileWith(context, `${text}x`)), {
    code: "file-too-large",
    message: "it is larger than 1Mi, which is the most that is read (and that a ConfigMap can hold)",
  });
});

test("a pipe that nobody writes to, and a device that never ends, are refused at once", async (context) => {
  const pipe = `${fileWith(context, "")}.pipe`;
  assert.equal(spawnSync("mkfifo", [pipe]).status, 0);
  const message =
    "it is a pipe, a socket or a device: only a regular file is read, because it is read again on each reload";
  for (const path of [pipe, "/dev/zero", "/dev/null"])
    await assert.rejects(readText(path), { code: "not-a-file", message }, path);
  await assert.rejects(readText(tmpdir()), { code: "EISDIR" });
});

test(
  "a file is closed again, also one that was refused",
  { skip: process.platform === "linux" ? false : "needs /proc" },
  async (context) => {
    const isOpen = (path: string): boolean =>
      readdirSync("/proc/self/fd").some((fd) => {
        try {
          return readlinkSync(`/proc/self/fd/${fd}`) === path;
        } catch {
          return false; // It was the one that readdir had open.
        }
      });
    const good = fileWith(context, "a: 1");
    await readText(good);
    assert.equal(isOpen(good), false);
    const large = fileWith(context, "x".repeat(LARGEST_FILE + 1));
    await assert.rejects(readText(large));
    assert.equal(isOpen(large), false);
    const pipe = `${good}.pipe`;
    assert.equal(spawnSync("mkfifo", [pipe]).status, 0);
    await assert.rejects(readText(pipe));
    assert.equal(isOpen(pipe), false);
  },
);

test("another encoding is refused, with the line", async (context) => {
  const latin = Buffer.from("a: 1\nb: gr\u00fcn\nc: 2\n", "latin1");
  await assert.rejects(readText(fileWith(context, latin)), {
    code: "not-utf-8",
    message: "it is not UTF-8: line 2 has bytes of another encoding; save it as UTF-8",
  });
  await assert.rejects(readText(fileWith(context, Buffer.from("\uFEFFa: 1\n", "utf16le"))), {
    message: "it is UTF-16: save it as UTF-8",
  });
  await assert.rejects(readText(fileWith(context, Buffer.from([0xff]))), { code: "not-utf-8" });
});
