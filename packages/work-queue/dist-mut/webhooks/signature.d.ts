import type { Milliseconds } from "@outrigger/core";
export declare function signature(key: string, at: Milliseconds, body: string): string;
//# sourceMappingURL=signature.d.ts.map