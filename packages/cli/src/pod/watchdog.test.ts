import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { alive, eventually, Folder } from "../testing/outrigger.ts";
import { groupOf } from "./watchdog.ts";

test("only what is a process group is one: never our own, never everybody", () => {
  assert.equal(groupOf("+4711"), 4711);
  assert.equal(groupOf("-4711"), 4711);
  for (const line of ["+1", "+0", "-1", "+-1", "+-4711", "+", "", "+1.5", "+x", "+Infinity", "+NaN"])
    assert.equal(groupOf(line), null, line);
});

/** A process at the head of a group of its own, which ignores SIGTERM or not. */
async function group(ignores: boolean): Promise<number> {
  const script = `${ignores ? 'process.on("SIGTERM", () => {});' : ""} setInterval(() => {}, 1000); console.log("up")`;
  const child = spawn(process.execPath, ["-e", script], {
    detached: true,
    stdio: ["ignore", "pipe", "ignore"],
  });
  await once(child.stdout, "data");
  return child.pid as number;
}

test("when its parent is gone it ends the groups that are left, with SIGKILL what ignores SIGTERM, and removes the folder", async () => {
  using temporary = new Folder();
  const folder = join(temporary.path, "run");
  mkdirSync(join(folder, "volumes"), { recursive: true });
  const [tame, stubborn, ended] = [await group(false), await group(true), await group(false)];
  try {
    const file = fileURLToPath(new URL("watchdog.js", import.meta.url));
    const watchdog = spawn(process.execPath, [file, folder], {
      stdio: ["pipe", "ignore", "inherit"],
      detached: true,
    });
    const gone = once(watchdog, "exit");
    // The last is no longer ours to end; 0 would be the watchdog's own group.
    watchdog.stdin.write(`+${tame}\n+${stubborn}\n+0\n+${ended}\n-${ended}`);
    watchdog.stdin.end("\n");
    assert.deepEqual(await gone, [0, null]);
    await eventually("both groups have gone", () => !alive(tame) && !alive(stubborn));
    assert.ok(alive(ended), "a group that had ended is left alone");
    assert.equal(existsSync(folder), false);
  } finally {
    for (const pid of [tame, stubborn, ended]) if (alive(pid)) process.kill(-pid, "SIGKILL");
  }
});
