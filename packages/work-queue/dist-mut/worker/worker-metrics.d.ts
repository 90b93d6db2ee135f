/** What became of jobs. */
import type { Gauge, Histogram, Metrics } from "@outrigger/core";
import type { Verdict } from "./verdict.ts";
export declare class WorkerMetrics {
    #private;
    /** From a job's arrival to its first attempt. */
    readonly wait: Histogram;
    /** Of one attempt. */
    readonly run: Histogram;
    readonly running: Gauge;
    readonly concurrency: Gauge;
    readonly workloadReady: Gauge;
    constructor(metrics: Metrics);
    attempted(verdict: Verdict): void;
}
//# sourceMappingURL=worker-metrics.d.ts.map