import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { test } from "node:test";

const { importProblems } = (await import(
  new URL("../../../scripts/import-rules.mjs", import.meta.url).href
)) as { importProblems(root: string): string[] };

test("an import that leaves its package, reaches into another's files, or takes main.ts is a problem; others are none", (context) => {
  const root = mkdtempSync(join(tmpdir(), "outrigger-imports-"));
  context.after(() => rmSync(root, { recursive: true }));
  const files = {
    "packages/core/src/index.ts": 'export { x } from "./deep/x.ts";\nimport type { Y } from "node:fs";',
    "packages/core/src/deep/x.ts": 'import { z } from "../index.ts";\nimport { main } from "./main.ts";',
    "packages/core/src/deep/main.ts": "",
    "packages/cli/src/main.ts": 'import { run } from "./run.ts";',
    "packages/cli/src/a.ts": 'import { x } from "../../core/src/index.ts";',
    "packages/cli/src/b.test.ts": 'const { x } = await import(\n  "../../core/dist/index.js"\n);',
    "packages/cli/src/c.ts":
      'import {\n  x,\n} from "@outrigger/core/dist/index.js";\nimport "@outrigger/core/testing";',
    "packages/cli/src/deep/d.ts": 'import "../main.ts";',
    "packages/cli/src/e.ts": 'export * from "./main.js";',
  };
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(root, name)), { recursive: true });
    writeFileSync(join(root, name), text);
  }
  const leaves = "a relative import stays in its package; others are imported by name, @outrigger/NAME";
  const entry = "main.ts is the container's entry: nobody imports it";
  assert.deepEqual(importProblems(root).sort(), [
    `packages/cli/src/a.ts imports ../../core/src/index.ts: ${leaves}`,
    `packages/cli/src/b.test.ts imports ../../core/dist/index.js: ${leaves}`,
    "packages/cli/src/c.ts imports @outrigger/core/dist/index.js: another package is what it exports, not its files",
    `packages/cli/src/deep/d.ts imports ../main.ts: ${entry}`,
    `packages/cli/src/e.ts imports ./main.js: ${entry}`,
  ]);
});
