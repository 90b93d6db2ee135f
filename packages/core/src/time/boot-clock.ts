/**
 * A clock that goes on while the machine is suspended, as CLOCK_BOOTTIME does: Node's own spans (performance.now(), timers)
 * stand still then. For what must be over when others think so: a lease, a lock.
 */
import { uptime } from "node:os";
import type { Milliseconds } from "../units.ts";
import { sleepOn, systemClock, type Clock } from "./clock.ts";

/** Of os.uptime(), which Linux tells in hundredths of a second. */
const RESOLUTION: Milliseconds = 10;

/**
 * @param upFor milliseconds since the machine was booted, suspended time included
 * Its timers are those of `clock`: they fire late by what the machine was suspended.
 */
export function createBootClock(
  clock: Clock = systemClock,
  upFor: () => Milliseconds = () => uptime() * 1_000,
): Clock {
  const ahead = upFor() - clock.now();
  let suspended: Milliseconds = 0;
  const bootClock: Clock = {
    now() {
      let up, steady: Milliseconds;
      // Both of one moment: a pause between them would be taken for a suspension and counted twice, a suspension be missed.
      do {
        up = upFor();
        steady = clock.now();
      } while (upFor() - up > 2 * RESOLUTION);
      const behind = up - ahead - steady;
      // Rounded down at one reading and up at the other: less than that is no suspension.
      if (behind > suspended + 2 * RESOLUTION) suspended = behind;
      return steady + suspended;
    },
    wallTime: () => clock.wallTime(),
    timer: (delay, fire, options) => clock.timer(delay, fire, options),
    sleep: (delay, signal) => sleepOn(bootClock, delay, signal),
  };
  return bootClock;
}
