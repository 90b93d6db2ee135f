/** An example of the work queue, as its README starts it on a laptop, small enough for a test. */
import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { freePort } from "@outrigger/core/testing";
import { ROOT } from "./demo.ts";

/** Making the database takes most of it. */
export const PATIENCE = 100_000;

/**
 * Its manifest on free ports, with less to do.
 * @param fewer what of the manifest says how much there is, and what it is to say
 * @returns the manifest's file, in `folder`
 */
export async function onFreePorts(
  example: string,
  ports: readonly number[],
  fewer: readonly [pattern: RegExp, by: string],
  folder: string,
): Promise<string> {
  let text = readFileSync(join(ROOT, "examples", example, "pod.yaml"), "utf8");
  const replace = (pattern: RegExp, by: string): void => {
    assert.match(text, pattern, "the example has changed: this test should, too");
    text = text.replace(pattern, by);
  };
  for (const port of ports) replace(new RegExp(`\\b${port}\\b`, "g"), String(await freePort()));
  const probe = /\/startupz, port: (\d+)/.exec(text)?.[1];
  replace(/^( +)- --listen=/m, `$1- --probe=${probe}\n$1- --control=off\n$1- --listen=`);
  replace(...fewer);
  const file = join(folder, "pod.yaml");
  writeFileSync(file, text);
  return file;
}
