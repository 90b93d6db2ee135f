export class FrontMetrics {
    kept;
    known;
    #metrics;
    constructor(metrics, waiting) {
        this.#metrics = metrics;
        this.kept = this.#outcome("kept");
        this.known = this.#outcome("known");
        const gauge = metrics
            .gauge("outrigger_queue_callers_waiting", "Callers that wait for the workload's answer")
            .with({});
        metrics.beforeExpose(() => (gauge.value = waiting()));
    }
    /** @param why its code: `full`, `backend-away`, `body-too-large`, `key-reused` */
    refused(why) {
        this.#outcome(why).inc();
    }
    #outcome(outcome) {
        return this.#metrics
            .counter("outrigger_queue_requests_total", "Requests by what became of them: kept, known (an earlier one, by its Idempotency-Key), or why not", ["outcome"])
            .with({ outcome });
    }
}
//# sourceMappingURL=front-metrics.js.map