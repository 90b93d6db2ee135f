import { type LookupFunction } from "node:net";
/** @param address an IP address */
export declare function isLinkLocal(address: string): boolean;
/** @returns the problem; null: it may be one */
export declare function problemOfTarget(text: string): string | null;
/** For node:http's `lookup`. */
export declare const resolveTarget: LookupFunction;
//# sourceMappingURL=target.d.ts.map