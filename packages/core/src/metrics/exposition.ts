/**
 * Writes families in the Prometheus text format 0.0.4, or in OpenMetrics 1.0 (which names counter families without
 * `_total`, escapes quotes in HELP, writes `le` as a float and ends with `# EOF`).
 */
export type Format = "prometheus" | "openmetrics";
export type FamilyType = "counter" | "gauge" | "histogram";

export const CONTENT_TYPE: Readonly<Record<Format, string>> = {
  prometheus: "text/plain; version=0.0.4; charset=utf-8",
  openmetrics: "application/openmetrics-text; version=1.0.0; charset=utf-8",
};

/** A histogram's `values` are its cumulated buckets; counters and gauges have `value`. */
export interface SeriesSnapshot {
  readonly labelValues: readonly string[];
  readonly value?: number;
  readonly buckets?: readonly (readonly [bound: number, cumulated: number])[];
  readonly sum?: number;
}

export interface FamilySnapshot {
  readonly name: string;
  readonly help: string;
  readonly type: FamilyType;
  readonly labels: readonly string[];
  readonly series: Iterable<SeriesSnapshot>;
}

export function writeExposition(families: Iterable<FamilySnapshot>, format: Format): string {
  const open = format === "openmetrics";
  let text = "";
  for (const family of families) {
    const { type, labels } = family;
    const head = open && type === "counter" ? family.name.replace(/_total$/, "") : family.name;
    text += `# HELP ${head} ${escapeHelp(family.help, open)}\n# TYPE ${head} ${type}\n`;
    for (const series of family.series) {
      const pairs = labels.map(
        (label, index) => `${label}="${escapeLabel(series.labelValues[index] ?? "")}"`,
      );
      if (series.buckets) {
        let count = 0;
        for (const [bound, cumulated] of series.buckets) {
          const le = `le="${open ? writeFloat(bound) : writeNumber(bound)}"`;
          text += `${family.name}_bucket{${[...pairs, le].join(",")}} ${cumulated}\n`;
          count = cumulated;
        }
        const set = pairs.length > 0 ? `{${pairs.join(",")}}` : "";
        text += `${family.name}_sum${set} ${writeNumber(series.sum ?? 0)}\n${family.name}_count${set} ${count}\n`;
      } else {
        const set = pairs.length > 0 ? `{${pairs.join(",")}}` : "";
        text += `${family.name}${set} ${writeNumber(series.value ?? 0)}\n`;
      }
    }
  }
  return open ? `${text}# EOF\n` : text;
}

function writeNumber(value: number): string {
  if (value === Infinity) return "+Inf";
  if (value === -Infinity) return "-Inf";
  return String(value);
}

/** OpenMetrics wants canonical floats in `le`: 1.0, not 1. */
function writeFloat(value: number): string {
  return Number.isInteger(value) && Math.abs(value) < 1e21 ? `${value}.0` : writeNumber(value);
}

function escapeHelp(text: string, open: boolean): string {
  const escaped = text.replaceAll("\\", "\\\\").replaceAll("\n", "\\n");
  return open ? escaped.replaceAll('"', '\\"') : escaped;
}

function escapeLabel(text: string): string {
  if (!/[\\\n"]/.test(text)) return text;
  return text.replaceAll("\\", "\\\\").replaceAll("\n", "\\n").replaceAll('"', '\\"');
}

/**
 * The format that an Accept header prefers (RFC 9110 section 12.5.1): the highest q among what we can write; a tie, a
 * missing header or one that names nothing of ours gives Prometheus text, which every scraper reads.
 */
export function negotiateFormat(accept: string | undefined): Format {
  let text = accept === undefined ? 1 : 0;
  let open = 0;
  for (const range of (accept ?? "").split(",")) {
    const [type = "", ...parameters] = range.split(";").map((part) => part.trim().toLowerCase());
    let q = 1;
    let version: string | undefined;
    for (const parameter of parameters) {
      const [name = "", value = ""] = parameter.split("=").map((part) => part.trim());
      if (name === "q") q = Number(value);
      if (name === "version") version = value.replaceAll('"', "");
    }
    if (!(q > 0 && q <= 1)) continue;
    if (type === "application/openmetrics-text" && (version ?? "1.0.0") === "1.0.0") open = Math.max(open, q);
    else if (type === "text/plain" || type === "text/*" || type === "*/*") text = Math.max(text, q);
  }
  return open > text ? "openmetrics" : "prometheus";
}
