/**
 * When a schedule is due next. `every N`: at the next multiple of N milliseconds since 1970 UTC, so that all who reckon it, also
 * after a restart, come to the same times. By cron: as its zone's clocks go; where they are set forward a time of the hour that is
 * left out is due an hour later, and where they are set back one of the hour that comes twice is due once, unless every hour is.
 */
import { CronExpressionParser } from "cron-parser";
import type { Milliseconds } from "@outrigger/core";

/**
 * @param after milliseconds since 1970 UTC
 * @param when `every MILLISECONDS`, or five fields of cron
 * @param zone of the IANA database
 * @throws an error of cron-parser: the fields are none, or name no day that there is
 */
export function nextTime(after: Milliseconds, when: string, zone: string): Milliseconds {
  const [, every] = /^every (\d+)$/.exec(when) ?? [];
  if (every !== undefined) return (Math.floor(after / Number(every)) + 1) * Number(every);
  return CronExpressionParser.parse(when, { currentDate: new Date(after), tz: zone })
    .next()
    .getTime();
}
