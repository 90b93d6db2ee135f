/** The pod in one line, for terminals that are none; and the summary at the end. */
import { exitCodeText, type PodStatus } from "./pod-status.ts";
import { count, latency, span } from "./figures.ts";
import { quantile, type Reading, type TrafficWindow } from "./traffic.ts";

export function statusLine(window: TrafficWindow): string | null {
  const reading = window.last;
  if (!reading) return null;
  const wrong = reading.endpoints.filter(({ state }) => state === "ejected" || state === "unhealthy");
  const known = reading.endpoints.length;
  const parts = [
    `${count(reading.requests)} requests`,
    `${count(window.rate())}/s`,
    `p50 ${latency(window.quantile(0.5))} p99 ${latency(window.quantile(0.99))}`,
    `${count(reading.retries)} retries`,
  ];
  if (known > 0) {
    const names = wrong.map(({ endpoint, state }) => `${endpoint} ${state}`).join(", ");
    parts.push(`endpoints ${known - wrong.length}/${known}${names === "" ? "" : ` (${names})`}`);
  }
  return parts.join(" · ");
}

export function summary(pods: readonly PodStatus[], reading: Reading | null, ranFor: number): string[] {
  const lines = [`ran for ${span(ranFor)}`];
  if (reading) {
    const classes = [...reading.byClass]
      .filter(([code, value]) => code !== "" && value > 0)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([code, value]) => `${code} ${count(value)}`)
      .join(", ");
    const q = (share: number): string => latency(quantile(share, reading.buckets));
    lines.push(
      `${count(reading.requests)} requests${classes === "" ? "" : ` (${classes})`}, ${count(reading.retries)} retries, p50 ${q(0.5)}, p90 ${q(0.9)}, p99 ${q(0.99)}`,
    );
    for (const each of reading.endpoints) {
      lines.push(
        `endpoint ${each.endpoint}: ${count(each.requests)} attempts, ${count(each.failures)} failed, ${count(each.ejections)} ejections`,
      );
    }
  }
  for (const pod of pods) {
    for (const container of pod.containers) {
      const restarts = container.restarts === 0 ? "" : `, ${container.restarts} restarts`;
      lines.push(`${container.label}: ${exitCodeText(container)}${restarts}`);
    }
  }
  return lines;
}
