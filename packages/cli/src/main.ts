/** The entry of the `outrigger` command: the only place that reads process.argv and sets the exit code. */
import { OutriggerError } from "@outrigger/core";
import { check } from "./check/check.ts";
import { parseCommandLine } from "./command-line.ts";
import { ownVersion } from "./inject/command-line.ts";
import { runInject, runUninject } from "./inject/run-inject.ts";
import { run } from "./run.ts";
import { StandardOutput } from "./standard-output.ts";
import { harmless } from "./view/ansi.ts";

/** What is wrong with the input, and not with the run. */
const INPUT_ERRORS = new Set([
  "usage",
  "bad-manifest",
  "unreadable-manifest",
  "port-claimed-twice",
  "bad-route",
  "route-secret",
]);

const complain = (sentence: string): void => void process.stderr.write(`${harmless(sentence, false)}\n`);
// Where even this cannot be written there is nobody left to tell; the exit code remains.
process.stderr.on("error", () => {});
const output = new StandardOutput(process.stdout, complain);
// At the very end, because the last line of a summary can be the one that the disk has no room for.
process.on("exit", () => {
  if (output.loss === "unwritable" && !process.exitCode) process.exitCode = 1;
});

async function main(): Promise<number> {
  const invocation = parseCommandLine(process.argv.slice(2));
  switch (invocation.verb) {
    case "help":
      process.stdout.write(invocation.text);
      return 0;
    case "version":
      process.stdout.write(`${ownVersion()}\n`);
      return 0;
    case "run":
      return run(invocation.options, output);
    case "inject":
      return runInject(invocation.options, complain);
    case "uninject":
      return runUninject(invocation.options, complain);
    case "check":
      return check(
        invocation.options,
        (line) => void process.stdout.write(`${harmless(line, false)}\n`),
        complain,
      );
  }
}

try {
  process.exitCode = await main();
} catch (thrown) {
  const error = OutriggerError.from(thrown);
  const message = error.code === "internal" ? (error.stack ?? error.message) : error.message;
  complain(message);
  process.exitCode = INPUT_ERRORS.has(error.code) ? 2 : 1;
}
