/** What Prometheus is told of one election. */
import type { Counter, Metrics, Milliseconds } from "@outrigger/core";
import type { EndReason } from "../duty/duty.ts";

export class ElectionMetrics {
  readonly #metrics: Metrics;
  readonly #election: string;
  readonly #acquired: Counter;
  #endRefresh: () => void = () => {};

  constructor(metrics: Metrics, election: string) {
    this.#metrics = metrics;
    this.#election = election;
    this.#acquired = metrics
      .counter("outrigger_election_acquisitions_total", "Times that this candidate came to lead", [
        "election",
      ])
      .with({ election });
  }

  acquired(): void {
    this.#acquired.inc();
  }

  ended(why: EndReason): void {
    this.#metrics
      .counter("outrigger_election_ends_total", "Ended leaderships of this candidate, by why", [
        "election",
        "why",
      ])
      .with({ election: this.#election, why })
      .inc();
  }

  /** @param took until the answer; null: there was none */
  request(kind: "read" | "write", took: Milliseconds | null): void {
    const election = this.#election;
    const outcome = took === null ? "unanswered" : "answered";
    this.#metrics
      .counter("outrigger_election_requests_total", "Requests to the lease's store", [
        "election",
        "kind",
        "outcome",
      ])
      .with({ election, kind, outcome })
      .inc();
    if (took !== null)
      this.#metrics
        .histogram("outrigger_election_request_seconds", "Time until the store answered", ["election"])
        .with({ election })
        .observe(took / 1_000);
  }

  observe(isLeader: () => boolean, expiresIn: () => Milliseconds): void {
    // Asked for anew each time: after a reload, the former election of this name has removed its own.
    this.#endRefresh = this.#metrics.beforeExpose(() => {
      const [leads, expires] = this.#gauges();
      const labels = { election: this.#election };
      leads.with(labels).value = isLeader() ? 1 : 0;
      expires.with(labels).value = expiresIn() / 1_000;
    });
  }

  /** The election is no longer configured. */
  remove(): void {
    this.#endRefresh();
    for (const gauge of this.#gauges()) gauge.remove({ election: this.#election });
  }

  #gauges() {
    return [
      this.#metrics.gauge(
        "outrigger_election_is_leader",
        "1: this candidate leads, and its duties have begun",
        ["election"],
      ),
      this.#metrics.gauge(
        "outrigger_election_expires_seconds",
        "Until this leader's belief ends, or another's lease expires, unless it is renewed",
        ["election"],
      ),
    ] as const;
  }
}
