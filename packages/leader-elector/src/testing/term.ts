/** A term, and what duties ask for beside it. */
import { createMetrics, systemClock, type Clock, type Logger } from "@outrigger/core";
import type { Term } from "../duty/duty.ts";

export function createTerm(token = 7n): Term {
  return { election: "ticker", id: "pod-1", token, acquiredAt: Date.UTC(2026, 0, 2), isLeading: true };
}

export function dutyDeps(clock: Clock = systemClock) {
  const lines: string[] = [];
  const say = (level: string) => (fields: object, message: string) => {
    const { error } = fields as { error?: Error };
    lines.push(`${level} ${message}${error === undefined ? "" : `: ${error.message}`}`);
  };
  const log: Logger = {
    debug: say("debug"),
    info: say("info"),
    warn: say("warn"),
    error: say("error"),
    child: () => log,
  };
  return { clock, log, lines, metrics: createMetrics() };
}
