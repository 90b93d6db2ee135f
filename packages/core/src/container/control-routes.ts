/** What the control server of every container serves: its configuration, its end, its log level, and its profiles. */
import { LOG_LEVELS, type LeveledLogger, type LogLevel } from "../log/pino-logger.ts";
import type { ControlRoute } from "../servers/control-server.ts";
import { systemClock } from "../time/clock.ts";

export interface OwnRouteOptions {
  readonly log: LeveledLogger;
  /** Adds the profiles. */
  readonly debug: boolean;
  /** What is in use, fit to be shown. */
  configuration(): unknown;
  /** Asks for the shutdown; false when it was asked for before. */
  quit(): boolean;
}

export async function ownControlRoutes({
  log,
  debug,
  configuration,
  quit,
}: OwnRouteOptions): Promise<ControlRoute[]> {
  const isLevel = (text: string): text is LogLevel => (LOG_LEVELS as readonly string[]).includes(text);
  return [
    {
      method: "GET",
      path: "/configz",
      summary: "the configuration in use, secrets redacted",
      handle: () => ({ json: configuration() }),
    },
    {
      method: "POST",
      path: "/quitquitquit",
      summary: "drain and exit 0, as SIGTERM does",
      handle: () => ({
        status: 202,
        text: quit() ? "draining\n" : "draining already\n",
      }),
    },
    {
      method: "GET",
      path: "/loglevel",
      summary: "the log level",
      handle: () => ({ text: `${log.level}\n` }),
    },
    {
      method: "POST",
      path: "/loglevel",
      summary: `set the log level: ?level=${LOG_LEVELS.join("|")}, or as the body`,
      handle: ({ query, body }) => {
        const level = (query.get("level") ?? body).trim();
        if (!isLevel(level)) {
          return {
            status: 400,
            text: `level: found ${JSON.stringify(level)}, accepted: ${LOG_LEVELS.join(", ")}\n`,
          };
        }
        log.setLevel(level);
        return { text: `${level}\n` };
      },
    },
    // Loaded only when asked for: the inspector costs memory.
    ...(debug ? (await import("../servers/debug-routes.ts")).debugRoutes(systemClock) : []),
  ];
}
