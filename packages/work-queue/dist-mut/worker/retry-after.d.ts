import type { Milliseconds } from "@outrigger/core";
/**
 * How long a Retry-After field says to wait (RFC 9110 section 10.2.3: seconds, or a date), at most five minutes; 0: it says
 * nothing that can be read.
 * @param wallTime milliseconds since 1970
 */
export declare function retryAfter(value: string | undefined, wallTime: Milliseconds): Milliseconds;
//# sourceMappingURL=retry-after.d.ts.map