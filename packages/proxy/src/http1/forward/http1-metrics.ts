/** What a listener counts. Series of the hot path are resolved once; the rest by label when they happen. */
import type { Counter, Family, Histogram, Metrics } from "@outrigger/core";
import type { Violation } from "../codec/violation.ts";
import type { ExchangeLimit } from "./settings.ts";

/** Seconds; each at most twice the one before, mostly half more: a quantile read off them is wrong by no more than that. */
const DURATION_BUCKETS = [
  0.0005, 0.001, 0.0015, 0.002, 0.003, 0.005, 0.0075, 0.01, 0.015, 0.02, 0.03, 0.05, 0.075, 0.1, 0.125, 0.15,
  0.2, 0.3, 0.5, 0.75, 1, 1.5, 2, 3, 5, 7.5, 10, 20, 30, 60,
];

export const CODE_CLASSES = ["1xx", "2xx", "3xx", "4xx", "5xx", "client-closed"] as const;
export type CodeClass = (typeof CODE_CLASSES)[number];

export class Http1Metrics {
  readonly duration: Histogram;
  readonly connections: Counter;
  readonly bytesFromClients: Counter;
  readonly bytesToClients: Counter;
  readonly #listener: string;
  readonly #byClass: readonly Counter[];
  readonly #clientClosed: Counter;
  readonly #retries: Family<Counter, "listener" | "reason">;
  readonly #replies: Family<Counter, "listener" | "reason">;
  readonly #violations: Family<Counter, "listener" | "side" | "reason">;
  readonly #timeouts: Family<Counter, "listener" | "kind">;
  readonly #truncated: Counter;

  constructor(
    metrics: Metrics,
    listener: string,
    gauges: {
      connections: () => number;
      inFlight: () => number;
      waiting: () => number;
      upstreamConnections: () => number;
    },
  ) {
    this.#listener = listener;
    const requests = metrics.counter(
      "outrigger_http_requests_total",
      "Requests finished, by class of the status that the client got",
      ["listener", "code_class"],
    );
    this.#byClass = CODE_CLASSES.map((codeClass) => requests.with({ listener, code_class: codeClass }));
    this.#clientClosed = requests.with({ listener, code_class: "client-closed" });
    this.duration = metrics
      .histogram(
        "outrigger_http_request_duration_seconds",
        "From a request's head to the last byte of its answer",
        ["listener"],
        DURATION_BUCKETS,
      )
      .with({ listener });
    this.connections = metrics
      .counter("outrigger_http_client_connections_total", "Connections accepted", ["listener"])
      .with({ listener });
    this.bytesFromClients = metrics
      .counter("outrigger_http_received_bytes_total", "Body bytes received from clients", ["listener"])
      .with({ listener });
    this.bytesToClients = metrics
      .counter("outrigger_http_sent_bytes_total", "Body bytes sent to clients", ["listener"])
      .with({ listener });
    this.#retries = metrics.counter(
      "outrigger_http_retries_total",
      "Attempts after the first, by why the one before failed",
      ["listener", "reason"],
    );
    this.#replies = metrics.counter(
      "outrigger_http_replies_total",
      "Answers by the proxy itself, by reason",
      ["listener", "reason"],
    );
    this.#violations = metrics.counter(
      "outrigger_http_violations_total",
      "Messages refused by the strict parser",
      ["listener", "side", "reason"],
    );
    this.#timeouts = metrics.counter("outrigger_http_timeouts_total", "Time limits that were hit, by kind", [
      "listener",
      "kind",
    ]);
    this.#truncated = metrics
      .counter(
        "outrigger_http_truncated_answers_total",
        "Answers that broke off after their head had been forwarded",
        ["listener"],
      )
      .with({ listener });
    const connectionsOpen = metrics
      .gauge("outrigger_http_client_connections", "Client connections open", ["listener"])
      .with({ listener });
    const inFlight = metrics
      .gauge("outrigger_http_requests_in_flight", "Requests being answered", ["listener"])
      .with({ listener });
    const upstreamOpen = metrics
      .gauge("outrigger_http_upstream_connections", "Upstream connections open", ["listener"])
      .with({ listener });
    const waiting = metrics
      .gauge("outrigger_http_requests_waiting", "Requests in the line for a connection", ["listener"])
      .with({ listener });
    const remove = metrics.beforeExpose(() => {
      waiting.value = gauges.waiting();
      connectionsOpen.value = gauges.connections();
      inFlight.value = gauges.inFlight();
      upstreamOpen.value = gauges.upstreamConnections();
    });
    // Not forgotten: a listener of the same name may have come in the meantime, and counts in the same series.
    this.stop = () => {
      remove();
      connectionsOpen.value = inFlight.value = waiting.value = upstreamOpen.value = 0;
    };
  }

  /** The listener has closed: its gauges are 0 from now on. */
  readonly stop: () => void;

  finished(status: number, seconds: number): void {
    (this.#byClass[((status / 100) | 0) - 1] as Counter).inc();
    this.duration.observe(seconds);
  }

  clientClosed(): void {
    this.#clientClosed.inc();
  }

  retried(reason: string): void {
    this.#retries.with({ listener: this.#listener, reason }).inc();
  }

  replied(reason: string): void {
    this.#replies.with({ listener: this.#listener, reason }).inc();
  }

  refused(side: "client" | "upstream", reason: Violation): void {
    this.#violations.with({ listener: this.#listener, side, reason }).inc();
  }

  timedOut(kind: "head" | "idle" | "connect" | "try" | ExchangeLimit): void {
    this.#timeouts.with({ listener: this.#listener, kind }).inc();
  }

  truncated(): void {
    this.#truncated.inc();
  }
}
