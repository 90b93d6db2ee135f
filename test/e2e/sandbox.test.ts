import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { test } from "node:test";

// From dist: scripts are not compiled.
const scripts = new URL("../../../scripts/", import.meta.url);
const { missingPeers } = (await import(new URL("peers.mjs", scripts).href)) as {
  missingPeers(peers: readonly { command: string }[]): unknown[];
};
const able =
  process.getuid?.() === 0 && missingPeers([{ command: "unshare" }, { command: "catatonit" }]).length === 0;

test(
  "the sandbox ends with who started it, also after kill -9",
  { skip: !able && "needs root" },
  async () => {
    const folder = mkdtempSync(join(tmpdir(), "outrigger-sandbox-"));
    try {
      const script = join(folder, "inside.mjs");
      writeFileSync(script, 'console.log("inside"); setInterval(() => {}, 1_000);');
      const start = `import(${JSON.stringify(new URL("e2e/sandbox.mjs", scripts).href)}).then(({ startInside }) => startInside(${JSON.stringify(script)}, []));`;
      const runner = spawn(process.execPath, ["--eval", start], { stdio: ["ignore", "pipe", "inherit"] });
      const lines = createInterface({ input: runner.stdout });
      const [line] = (await once(lines, "line")) as [string];
      assert.equal(line, "inside");
      // What is inside has the same pipe: it closes when the last of them has ended.
      const closed = once(runner.stdout, "close");
      runner.kill("SIGKILL");
      await closed;
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  },
);
