/** The container's log: pino, JSON lines, ISO time, the level as a word; no worker transports. */
import { pino, stdTimeFunctions, type DestinationStream, type LoggerOptions as PinoOptions } from "pino";
import { hideUserinfoWithin, REDACTED } from "../config/redact.ts";
import { LogBacklog } from "./backlog.ts";
import type { Logger } from "./logger.ts";
import { openStdout } from "./stdout.ts";

export type LogLevel = "debug" | "info" | "warn" | "error";
export const LOG_LEVELS = ["debug", "info", "warn", "error"] as const satisfies readonly LogLevel[];

export interface LeveledLogger extends Logger {
  readonly level: LogLevel;
  /** Also of every child made before. */
  setLevel(level: LogLevel): void;
  /** Lines that were never written, because stdout was not read and the backlog of 1 MiB was full. */
  readonly dropped: number;
  /** Before a process ends: waits, at most half a second, until a slow reader of stdout has taken what waits for it. */
  flush(): void;
}

export interface LoggerOptions {
  /** Default: info. */
  readonly level?: LogLevel;
  /** In every line, for example `{ pattern: "ambassador" }`. */
  readonly fields?: object;
  /**
   * Default: stdout. A line is out before what comes next, also when that is a crash, unless nobody reads: then up to
   * 1 MiB of lines waits, the oldest beyond it are dropped, and nothing else waits for them.
   */
  readonly destination?: DestinationStream;
}

/** Fields that are never written, at the top of a line and one level below. */
const SECRET_FIELDS = ["password", "token", "secret", "authorization", "cookie", "apiKey"].flatMap((name) => {
  const capital = `${name.charAt(0).toUpperCase()}${name.slice(1)}`;
  return [name, capital, `*.${name}`, `*.${capital}`];
});

export function createLogger(options: LoggerOptions = {}): LeveledLogger {
  let level = options.level ?? "info";
  const settings: PinoOptions = {
    level: "debug",
    base: { ...options.fields },
    timestamp: stdTimeFunctions.isoTime,
    formatters: { level: (label) => ({ level: label }) },
    redact: { paths: SECRET_FIELDS, censor: REDACTED },
    errorKey: "error",
    serializers: { error: describeError },
    // An error of somebody else's may quote the URL that it could not reach.
    hooks: { streamWrite: hideUserinfoWithin },
  };
  const backlog = options.destination
    ? null
    : new LogBacklog({ write: openStdout(), gap: (dropped) => gapLine(settings, dropped) });
  const root = pino(settings, options.destination ?? (backlog as DestinationStream));
  // pino keeps a level per child; ours is one for all, checked here.
  const enabled = (wanted: LogLevel): boolean => LOG_LEVELS.indexOf(wanted) >= LOG_LEVELS.indexOf(level);
  const wrap = (target: typeof root): Logger => ({
    debug: (fields, message) => void (enabled("debug") && target.debug(fields, message)),
    info: (fields, message) => void (enabled("info") && target.info(fields, message)),
    warn: (fields, message) => void (enabled("warn") && target.warn(fields, message)),
    error: (fields, message) => void (enabled("error") && target.error(fields, message)),
    child: (fields) => wrap(target.child(fields)),
  });
  return {
    ...wrap(root),
    get level() {
      return level;
    },
    setLevel: (wanted) => void (level = wanted),
    get dropped() {
      return backlog?.dropped ?? 0;
    },
    flush: () => backlog?.flushSync(),
  };
}

function gapLine(settings: PinoOptions, dropped: number): string {
  let line = "";
  pino(settings, { write: (text) => void (line = text) }).warn(
    { dropped },
    "log lines are missing here: stdout was not read in time",
  );
  return line;
}

/** An error as plain fields: type, message, code, stack, and its causes. Anything else that was thrown, as text. */
export function describeError(thrown: unknown, depth = 0): object {
  if (!(thrown instanceof Error)) return { type: typeof thrown, message: String(thrown) };
  return {
    type: thrown.name,
    message: thrown.message,
    ...("code" in thrown && { code: thrown.code }),
    stack: thrown.stack,
    ...(thrown.cause !== undefined && depth < 4 && { cause: describeError(thrown.cause, depth + 1) }),
  };
}
