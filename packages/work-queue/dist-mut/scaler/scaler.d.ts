import { type Logger, type Metrics } from "@outrigger/core";
export interface ScalerDeps {
    readonly log: Logger;
    readonly metrics: Metrics;
    /** Jobs for workers; null: the backend has not said lately. */
    toDo(): number | null;
}
export declare const METRIC_NAME = "outrigger-queue-jobs";
export declare class Scaler {
    #private;
    constructor(address: {
        readonly host: string;
        readonly port: number;
    }, deps: ScalerDeps);
    /** With the real port. */
    get addresses(): readonly string[];
    /** @throws OutriggerError `cannot-listen`, naming the address */
    start(): Promise<void>;
    /** There may be another number of jobs now. */
    changed(): void;
    connections(): number;
    /** Streams that are open. */
    inFlight(): number;
    stopAccepting(): Promise<void>;
    /** Streams end well, connections once nothing is on them. Resolves with how many were cut when the signal aborted. */
    drain(signal: AbortSignal): Promise<number>;
}
//# sourceMappingURL=scaler.d.ts.map