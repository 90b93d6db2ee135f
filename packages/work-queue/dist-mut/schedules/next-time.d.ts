import type { Milliseconds } from "@outrigger/core";
/**
 * @param after milliseconds since 1970 UTC
 * @param when `every MILLISECONDS`, or five fields of cron
 * @param zone of the IANA database
 * @throws an error of cron-parser: the fields are none, or name no day that there is
 */
export declare function nextTime(after: Milliseconds, when: string, zone: string): Milliseconds;
//# sourceMappingURL=next-time.d.ts.map