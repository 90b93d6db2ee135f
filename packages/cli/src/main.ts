/** The entry of the `outrigger` command: the only place that reads process.argv and sets the exit code. */
import { readFileSync } from "node:fs";
import { OutriggerError } from "@outrigger/core";
import { parseCommandLine } from "./command-line.ts";
import { run } from "./run.ts";
import { harmless } from "./view/ansi.ts";

/** What is wrong with the input, and not with the run. */
const INPUT_ERRORS = new Set(["usage", "bad-manifest", "unreadable-manifest", "port-claimed-twice"]);

async function main(): Promise<number> {
  const invocation = parseCommandLine(process.argv.slice(2));
  switch (invocation.verb) {
    case "help":
      process.stdout.write(invocation.text);
      return 0;
    case "version": {
      const file = new URL("../package.json", import.meta.url);
      process.stdout.write(`${(JSON.parse(readFileSync(file, "utf8")) as { version: string }).version}\n`);
      return 0;
    }
    case "run":
      return run(invocation.options);
  }
}

try {
  process.exitCode = await main();
} catch (thrown) {
  const error = OutriggerError.from(thrown);
  const message = error.code === "internal" ? (error.stack ?? error.message) : error.message;
  process.stderr.write(`${harmless(message, false)}\n`);
  process.exitCode = INPUT_ERRORS.has(error.code) ? 2 : 1;
}
