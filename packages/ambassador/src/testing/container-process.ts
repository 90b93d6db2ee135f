/** The ambassador's container as a process of its own. */
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { runContainer, startContainer } from "@outrigger/core/testing/container";

export { get, type LogLine } from "@outrigger/core/testing/container";
export const PACKAGE = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
export const BIN = join(PACKAGE, "bin", "outrigger-ambassador.js");
export const start = (args: readonly string[]) => startContainer(BIN, args);
export const run = (...args: string[]) => runContainer(BIN, ...args);
