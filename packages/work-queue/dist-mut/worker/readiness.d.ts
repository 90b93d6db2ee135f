import type { Clock } from "@outrigger/core";
import type { WorkloadAddress } from "./replay.ts";
export interface ReadinessDeps {
    /** @returns what is wrong; null: nothing */
    look(path: string | null, signal: AbortSignal): Promise<string | null>;
    readonly clock: Clock;
    /** @param why where it is not: what is wrong */
    onChange(isReady: boolean, why: string): void;
}
export declare class Readiness {
    #private;
    /** @param path asked each second, and ready where it is answered 2xx or 3xx; null: ready where connections are accepted */
    constructor(path: string | null, deps: ReadinessDeps);
    get isReady(): boolean;
    /** Resolves after the first look, of which is told as of any. */
    start(): Promise<void>;
    /** What it was holds until the next look, which is made now. */
    reload(path: string | null): void;
    /** It accepted no connection. */
    lost(why: string): void;
    stop(): void;
}
/** @param path null: whether it accepts connections @returns what is wrong; null: nothing */
export declare const lookAt: (workload: WorkloadAddress, path: string | null, signal: AbortSignal) => Promise<string | null>;
//# sourceMappingURL=readiness.d.ts.map