/** The live one-screen view, drawn as lines for a given size: traffic, endpoints, containers, and the last of the log. */
import { BOLD, DIM, fit, GREEN, harmless, RED, RESET, YELLOW } from "./ansi.ts";
import { count, latency, span } from "./figures.ts";
import type { ContainerStatus, PodStatus } from "./pod-status.ts";
import type { TrafficWindow } from "./traffic.ts";

export interface Screen {
  readonly title: string;
  readonly now: number;
  readonly ranFor: number;
  readonly remaining: number | null;
  readonly pods: readonly PodStatus[];
  readonly traffic: TrafficWindow;
  readonly log: readonly string[];
  readonly colours: boolean;
}

/** @returns exactly `rows` lines, none wider than `columns` */
export function drawScreen(screen: Screen, columns: number, rows: number): string[] {
  const lines = [...header(screen), "", ...traffic(screen), ...endpoints(screen), ...containers(screen), ""];
  const room = Math.max(0, rows - lines.length - 1);
  const log = room === 0 ? [] : screen.log.slice(-room);
  const filled = [...lines, ...log];
  while (filled.length < rows - 1) filled.push("");
  const body = filled.slice(0, Math.max(0, rows - 1));
  body.push(paint(screen, DIM, "Ctrl-C drains the pod and ends; twice ends at once"));
  return body
    .slice(0, rows)
    .map((line) => fit(harmless(line, screen.colours).replace(/[\t\n]/g, " "), columns));
}

const paint = (screen: Screen, colour: string, text: string): string =>
  screen.colours ? `${colour}${text}${RESET}` : text;

function header(screen: Screen): string[] {
  const phase = screen.pods.map((pod) => pod.phase)[0] ?? "";
  const phases = screen.pods.every((pod) => pod.phase === phase)
    ? phase
    : screen.pods.map((pod) => `${pod.name} ${pod.phase}`).join(", ");
  const left = screen.remaining === null ? "" : `, ${span(screen.remaining)} left`;
  return [`${paint(screen, BOLD, screen.title)}  ${phases}  ${span(screen.ranFor)}${left}`];
}

function traffic(screen: Screen): string[] {
  const window = screen.traffic;
  const reading = window.last;
  if (!reading)
    return [
      paint(screen, DIM, "no traffic figures yet (they come from the pattern containers' /metrics)"),
      "",
    ];
  const failed = reading.byClass.get("5xx") ?? 0;
  const failedText = `5xx ${count(failed)}`;
  return [
    `requests ${paint(screen, BOLD, count(reading.requests))}   ${paint(screen, BOLD, count(window.rate()))}/s   ` +
      `retries ${count(reading.retries)}   ${failed > 0 ? paint(screen, RED, failedText) : failedText}`,
    `latency  p50 ${latency(window.quantile(0.5))}   p90 ${latency(window.quantile(0.9))}   ` +
      `p99 ${latency(window.quantile(0.99))}   ${paint(screen, DIM, "(last 10 s)")}`,
    "",
  ];
}

function endpoints(screen: Screen): string[] {
  const reading = screen.traffic.last;
  if (!reading || reading.endpoints.length === 0) return [];
  const width = Math.max(8, ...reading.endpoints.map(({ endpoint }) => endpoint.length));
  const head = `${"ENDPOINT".padEnd(width)}  ${"STATE".padEnd(9)}  ${"ATTEMPTS".padStart(10)}  ${"PER S".padStart(7)}  ${"FAILED".padStart(8)}  EJECTIONS`;
  const rows = reading.endpoints.map((each) => {
    const key = (other: typeof each): boolean =>
      other.endpoint === each.endpoint && other.upstream === each.upstream;
    const rate = screen.traffic.rate((past) => past.endpoints.find(key)?.requests ?? 0);
    const colour = each.state === "ok" ? GREEN : each.state === "unknown" ? DIM : RED;
    return (
      `${each.endpoint.padEnd(width)}  ${paint(screen, colour, each.state.padEnd(9))}  ` +
      `${count(each.requests).padStart(10)}  ${count(rate).padStart(7)}  ${count(each.failures).padStart(8)}  ${count(each.ejections).padStart(9)}`
    );
  });
  return [paint(screen, DIM, head), ...rows, ""];
}

function containers(screen: Screen): string[] {
  const all = screen.pods.flatMap((pod) => pod.containers);
  const width = Math.max(9, ...all.map(({ label }) => label.length));
  const head = `${"CONTAINER".padEnd(width)}  ${"ROLE".padEnd(7)}  ${"STATE".padEnd(24)}  RESTARTS`;
  const rows = all.map((each) => {
    const [text, colour] = describeState(each, screen.now);
    return `${each.label.padEnd(width)}  ${each.role.padEnd(7)}  ${paint(screen, colour, text.padEnd(24))}  ${String(each.restarts).padStart(8)}`;
  });
  return [paint(screen, DIM, head), ...rows];
}

function describeState({ state }: ContainerStatus, now: number): [text: string, colour: string] {
  switch (state.is) {
    case "waiting":
      return state.until === undefined
        ? ["waiting", DIM]
        : [`back-off, ${span(Math.max(0, state.until - now) + 999)} left`, YELLOW];
    case "running": {
      const age = span(now - state.since);
      if (!state.started) return [`starting ${age}`, YELLOW];
      return state.ready ? [`ready ${age}`, GREEN] : [`not ready ${age}`, YELLOW];
    }
    case "stopping":
      return ["stopping", YELLOW];
    case "ended":
      return [state.how, state.code === 0 ? DIM : RED];
  }
}
