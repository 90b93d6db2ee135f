/** What became of callers' requests. */
import type { Counter, Metrics } from "@outrigger/core";
export declare class FrontMetrics {
    #private;
    readonly kept: Counter;
    readonly known: Counter;
    constructor(metrics: Metrics, waiting: () => number);
    /** @param why its code: `full`, `backend-away`, `body-too-large`, `key-reused` */
    refused(why: string): void;
}
//# sourceMappingURL=front-metrics.d.ts.map