/** What became of callers' requests. */
import type { Counter, Metrics } from "@outrigger/core";

export class FrontMetrics {
  readonly kept: Counter;
  readonly known: Counter;
  readonly #metrics: Metrics;

  constructor(metrics: Metrics, waiting: () => number) {
    this.#metrics = metrics;
    this.kept = this.#outcome("kept");
    this.known = this.#outcome("known");
    const gauge = metrics
      .gauge("outrigger_queue_callers_waiting", "Callers that wait for the workload's answer")
      .with({});
    metrics.beforeExpose(() => (gauge.value = waiting()));
  }

  /** @param why its code: `full`, `backend-away`, `body-too-large`, `key-reused` */
  refused(why: string): void {
    this.#outcome(why).inc();
  }

  #outcome(outcome: string): Counter {
    return this.#metrics
      .counter(
        "outrigger_queue_requests_total",
        "Requests by what became of them: kept, known (an earlier one, by its Idempotency-Key), or why not",
        ["outcome"],
      )
      .with({ outcome });
  }
}
