/** Seconds: from a cached answer to a night's work. */
const BUCKETS = [
    0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 900, 3_600, 14_400,
];
export class WorkerMetrics {
    /** From a job's arrival to its first attempt. */
    wait;
    /** Of one attempt. */
    run;
    running;
    concurrency;
    workloadReady;
    #attempts;
    constructor(metrics) {
        this.wait = metrics
            .histogram("outrigger_queue_wait_seconds", "From a job's arrival to the beginning of its first attempt", [], BUCKETS)
            .with({});
        this.run = metrics
            .histogram("outrigger_queue_run_seconds", "Time that an attempt took", [], BUCKETS)
            .with({});
        this.running = metrics.gauge("outrigger_queue_running", "Attempts of this worker under way").with({});
        this.concurrency = metrics
            .gauge("outrigger_queue_concurrency", "Attempts that this worker may have under way")
            .with({});
        this.workloadReady = metrics
            .gauge("outrigger_queue_workload_ready", "1: jobs are given to the workload; 0: it is not ready for them")
            .with({});
        const attempts = metrics.counter("outrigger_queue_attempts_total", "Attempts by outcome: done, again (another may follow), refused (none does)", ["outcome"]);
        this.#attempts = {
            done: attempts.with({ outcome: "done" }),
            again: attempts.with({ outcome: "again" }),
            refused: attempts.with({ outcome: "refused" }),
        };
    }
    attempted(verdict) {
        this.#attempts[verdict].inc();
    }
}
//# sourceMappingURL=worker-metrics.js.map