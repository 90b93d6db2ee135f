/** What clocks show in a zone of the IANA database, and when they show it. */
import type { Milliseconds } from "@outrigger/core";

/** No zone's clocks are further than 14 hours from UTC, and none was ever set twice within two days. */
const AROUND: Milliseconds = 26 * 3_600_000;

const formats = new Map<string, Intl.DateTimeFormat>();

/** Milliseconds by which clocks are ahead of UTC. @throws RangeError where there is no such zone */
function offsetAt(at: Milliseconds, zone: string): Milliseconds {
  let format = formats.get(zone);
  if (format === undefined) {
    format = new Intl.DateTimeFormat("en-US", {
      ...{ timeZone: zone, calendar: "gregory", numberingSystem: "latn", hourCycle: "h23" },
      ...{
        year: "numeric",
        month: "numeric",
        day: "numeric",
        hour: "numeric",
        minute: "numeric",
        second: "numeric",
      },
    });
    formats.set(zone, format);
  }
  const shown: Record<string, number> = {};
  for (const { type, value } of format.formatToParts(at)) shown[type] = Number(value);
  const { year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0 } = shown;
  const whole = Math.floor(at / 1_000) * 1_000;
  return Date.UTC(year, month - 1, day, hour, minute, second) - whole;
}

/** The offsets that clocks go by around a time: one, or where they are set those before and after. */
const offsetsAround = (at: Milliseconds, zone: string): readonly [Milliseconds, Milliseconds] => [
  offsetAt(at - AROUND, zone),
  offsetAt(at + AROUND, zone),
];

/** The earliest that clocks may show at `at` or after it, as if it were UTC. */
export function earliestShown(at: Milliseconds, zone: string): Milliseconds {
  return at + Math.min(offsetAt(at, zone), ...offsetsAround(at, zone));
}

export interface Showing {
  /** Milliseconds since 1970 UTC, in order: none where the time is left out, two where it comes twice. */
  readonly at: readonly Milliseconds[];
  /** As far after the clocks were set forward as it would have been before; of a time that is left out alone. */
  readonly later: Milliseconds;
  /** Nothing later is shown before this. */
  readonly floor: Milliseconds;
}

/** When clocks show a time. @param shown as if it were UTC */
export function whenShown(shown: Milliseconds, zone: string): Showing {
  const [before, after] = offsetsAround(shown, zone);
  const candidates = before === after ? [before] : [before, after];
  const at = candidates
    .filter((offset) => offsetAt(shown - offset, zone) === offset)
    .map((offset) => shown - offset);
  return { at: at.sort((a, b) => a - b), later: shown - before, floor: shown - Math.max(before, after) };
}
