/**
 * When a schedule is due next. `every N`: at the next multiple of N milliseconds since 1970 UTC, so that all who reckon it, also
 * after a restart, come to the same times. By cron: as its zone's clocks go. Where they are set forward a time that is left out
 * comes as much later, and where they are set back one that comes twice comes once, as with Vixie's cron; those of every hour
 * come as time goes, whatever clocks show. cron-parser tells days and hours as if there were no zones: of a midnight that is left
 * out, as in Cairo or Santiago, its own reckoning leaves out the day.
 */
import { CronExpressionParser } from "cron-parser";
import type { Milliseconds } from "@outrigger/core";
import { earliestShown, whenShown } from "./zone-clock.ts";

/** By the second of five fields. */
const OF_EVERY_HOUR = /^\S+ (?:\*(?:\/1)?|0-23) /;

/**
 * @param after milliseconds since 1970 UTC
 * @param when `every MILLISECONDS`, or five fields of cron
 * @param zone of the IANA database
 * @throws an error of cron-parser: the fields are none, or name no day that there is
 */
export function nextTime(after: Milliseconds, when: string, zone: string): Milliseconds {
  const [, every] = /^every (\d+)$/.exec(when) ?? [];
  if (every !== undefined) return (Math.floor(after / Number(every)) + 1) * Number(every);
  const currentDate = new Date(earliestShown(after, zone));
  const times = CronExpressionParser.parse(when, { currentDate, tz: "UTC" });
  const ofEveryHour = OF_EVERY_HOUR.test(when);
  let next = Infinity;
  for (;;) {
    const { at, later, floor } = whenShown(times.next().getTime(), zone);
    if (floor >= next) return next;
    const due = ofEveryHour ? at : [at[0] ?? later];
    for (const time of due) if (time > after && time < next) next = time;
  }
}
