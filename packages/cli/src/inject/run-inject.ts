/** `outrigger inject` and `uninject` as commands: files in, standard output and a file of rights out, notes on standard error. */
import { writeFileSync } from "node:fs";
import { OutriggerError } from "@outrigger/core";
import { readManifest } from "../prepare.ts";
import { inject, uninject, type Injected } from "./inject.ts";
import type { InjectOptions, UninjectOptions } from "./options.ts";
import { askPattern, askRights } from "./question.ts";

/** @param note is told each sentence for people */
export async function runInject(options: InjectOptions, note: (sentence: string) => void): Promise<number> {
  const texts = options.files.map(readManifest);
  const done = await inject(
    texts,
    options,
    (question) => askPattern(question, process.env, note),
    (question) => askRights(question, process.env),
  );
  if (options.rbac !== null && done.rbac !== "") {
    try {
      writeFileSync(options.rbac, done.rbac);
    } catch (thrown) {
      const { message } = OutriggerError.from(thrown);
      throw new OutriggerError("unwritable", `cannot write --rbac ${options.rbac}: ${message}`, {
        cause: thrown,
      });
    }
  }
  tell(done, note);
  if (options.rbac !== null && done.rbac === "")
    note(`nothing seen here needs rights: ${options.rbac} is not written`);
  return 0;
}

export function runUninject(options: UninjectOptions, note: (sentence: string) => void): number {
  tell(uninject(options.files.map(readManifest), options.only), note);
  return 0;
}

function tell({ output, notes }: Injected, note: (sentence: string) => void): void {
  process.stdout.write(output);
  for (const sentence of notes) note(sentence);
}
