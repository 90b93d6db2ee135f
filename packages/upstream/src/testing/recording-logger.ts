/** A Logger that remembers what it was told: `warn sentence`. */
import type { Logger } from "@outrigger/core";

export function recordingLogger(): Logger & { readonly lines: string[] } {
  const lines: string[] = [];
  const at = (level: string) => (_: object, message: string) => void lines.push(`${level} ${message}`);
  const logger = { lines, debug: at("debug"), info: at("info"), warn: at("warn"), error: at("error") };
  return { ...logger, child: () => ({ ...logger, child: () => recordingLogger() }) };
}
