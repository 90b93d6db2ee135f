import { type Bytes, type Clock } from "@outrigger/core";
import type { Handler, ServedRequest } from "@outrigger/proxy";
import { type Rule } from "../config/rules-option.ts";
import type { JobStore } from "../queue/job-store.ts";
import type { Followers } from "./followers.ts";
import type { FrontMetrics } from "./front-metrics.ts";
import type { Waits } from "./waits.ts";
export interface FrontDeps {
    /** null: the backend was not reached yet. */
    queue(): FrontQueue | null;
    readonly clock: Clock;
    readonly metrics: FrontMetrics;
}
export interface FrontLimits {
    readonly maxBody: Bytes;
    readonly maxDepth: number;
    /** Of large bodies, all together. */
    readonly maxBytes: Bytes;
    readonly rules: readonly Rule[];
}
export interface FrontQueue {
    readonly store: JobStore;
    readonly waits: Waits;
    readonly followers: Followers;
}
export declare class Front implements Handler {
    #private;
    constructor(limits: FrontLimits, deps: FrontDeps);
    /** For requests that come from now on. */
    reload(limits: FrontLimits): void;
    takes(method: string, target: string): boolean;
    handle(request: ServedRequest): Promise<void>;
}
//# sourceMappingURL=front.d.ts.map