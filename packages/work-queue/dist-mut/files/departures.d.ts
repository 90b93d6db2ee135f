import type { Clock } from "@outrigger/core";
export declare class Departures {
    #private;
    constructor(folder: string, clock: Clock);
    /** Resolves when the folder has no such name, or is gone itself. @throws the signal's reason */
    gone(name: string, signal: AbortSignal): Promise<void>;
}
//# sourceMappingURL=departures.d.ts.map