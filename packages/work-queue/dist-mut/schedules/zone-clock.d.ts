/** What clocks show in a zone of the IANA database, and when they show it. */
import type { Milliseconds } from "@outrigger/core";
/** The earliest that clocks may show at `at` or after it, as if it were UTC. */
export declare function earliestShown(at: Milliseconds, zone: string): Milliseconds;
export interface Showing {
    /** Milliseconds since 1970 UTC, in order: none where the time is left out, two where it comes twice. */
    readonly at: readonly Milliseconds[];
    /** As far after the clocks were set forward as it would have been before; of a time that is left out alone. */
    readonly later: Milliseconds;
    /** Nothing later is shown before this. */
    readonly floor: Milliseconds;
}
/** When clocks show a time. @param shown as if it were UTC */
export declare function whenShown(shown: Milliseconds, zone: string): Showing;
//# sourceMappingURL=zone-clock.d.ts.map