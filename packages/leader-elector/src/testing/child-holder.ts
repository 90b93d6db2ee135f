/** A process that holds a child and says its pid, for what becomes of that when this is killed, or told to exit. ARGV: the child's. */
import { createMetrics, systemClock } from "@outrigger/core";
import { Child } from "../duty/child.ts";
import { createTerm } from "./term.ts";

const log = {
  debug: () => {},
  info: (fields: { pid?: number }) => {
    if (fields.pid !== undefined) process.send?.(fields.pid);
  },
  warn: (_: object, message: string) => process.send?.(message),
  error: () => {},
  child: () => log,
};
const child = new Child(
  { argv: process.argv.slice(2) },
  { clock: systemClock, log, metrics: createMetrics(), onFailure: (reason) => process.send?.(reason) },
);
await child.start();
await child.begin(createTerm(), new AbortController().signal);
process.on("message", () => process.exit());
