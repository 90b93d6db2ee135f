import type { Milliseconds } from "@outrigger/core";
/** `wait=10` of a Prefer field (RFC 7240 section 4.3), in milliseconds; 0: the caller does not wait. */
export declare function waitPreference(prefer: string | undefined): Milliseconds;
//# sourceMappingURL=prefer.d.ts.map