/** What the forward port counts. */
import type { Counter, Family, Metrics } from "@outrigger/core";
import type { Outcome } from "@outrigger/proxy/pass-through";
import type { Way } from "./forward-way.ts";

export class ForwardMetrics {
  readonly #requests: Family<Counter, "to" | "outcome">;
  readonly #retries: Counter;
  /** The port has closed: nothing is in flight from now on. */
  readonly stop: () => void;

  constructor(metrics: Metrics, inFlight: () => number) {
    this.#requests = metrics.counter(
      "outrigger_forward_requests_total",
      "Requests and WebSockets to the forward port that are over, by where they went and how they ended",
      ["to", "outcome"],
    );
    this.#retries = metrics
      .counter(
        "outrigger_forward_retries_total",
        "Attempts after one that reached nobody, or not the leader any more",
      )
      .with({});
    const gauge = metrics
      .gauge("outrigger_forward_requests_in_flight", "Requests and WebSockets through the forward port")
      .with({});
    const remove = metrics.beforeExpose(() => (gauge.value = inFlight()));
    this.stop = () => {
      remove();
      gauge.value = 0;
    };
  }

  over(to: Way["to"], outcome: Outcome["kind"] | "no-leader"): void {
    this.#requests.with({ to, outcome }).inc();
  }

  retried(): void {
    this.#retries.inc();
  }
}
