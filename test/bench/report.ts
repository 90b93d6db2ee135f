/** Turns a bench's JSON into the table and the chart of a README; nothing in them is typed by hand. */
import { readFileSync, writeFileSync } from "node:fs";
import { OURS, ratio, type BenchResult } from "./result.ts";

/** The table: CPU per request of each, the ratios that count, and whether they are what they must be. */
export function markdownTable(result: BenchResult): string {
  const lines = [
    "| work | who | CPU us/request | ratio (ours / theirs) | must | requests/s | p99 ms |",
    "|---|---|---|---|---|---|---|",
  ];
  for (const { title, peers, musts } of result.workloads) {
    for (const [index, peer] of peers.entries()) {
      const must = musts.find((each) => each.peer === peer.name);
      const value = ratio(peers, peer.name);
      const compared = peer.name === OURS ? "" : value.toFixed(2);
      const limit =
        must === undefined || must.atMost === Infinity
          ? ""
          : `<= ${must.atMost.toFixed(2)} ${value <= must.atMost ? "yes" : "**NO**"}`;
      lines.push(
        `| ${index === 0 ? title : ""} | ${peer.name} | ${peer.cpuMicroseconds.toFixed(1)} | ${compared} | ${limit} | ${Math.round(peer.perSecond)} | ${peer.p99Milliseconds.toFixed(2)} |`,
      );
    }
  }
  return lines.join("\n");
}

/** Musts that were not reached, or could not be judged because the peer was missing. */
export function failures(result: BenchResult): string[] {
  return result.workloads.flatMap(({ title, peers, musts }) =>
    musts
      .filter(({ atMost }) => atMost !== Infinity)
      .flatMap(({ peer, atMost }) => {
        const value = ratio(peers, peer);
        if (value <= atMost) return [];
        return [
          Number.isNaN(value)
            ? `${title}: ${peer} is missing, so that nothing is proven`
            : `${title}: ${value.toFixed(2)} x ${peer}, must be <= ${atMost.toFixed(2)}`,
        ];
      }),
  );
}

const BAR = { height: 16, gap: 4, label: 200, width: 420, value: 70 };

export interface ChartGroup {
  readonly title: string;
  readonly peers: readonly { readonly name: string; readonly cpuMicroseconds: number }[];
}

/** A bar chart, each group scaled to its own longest bar. @param unit what the CPU is counted by */
export function svgChart(groups: readonly ChartGroup[], unit: "request" | "job"): string {
  const parts: string[] = [];
  let y = 10;
  for (const { title, peers } of groups) {
    y += 14;
    parts.push(
      `<text x="10" y="${y}" class="title">${escapeXml(title)}: CPU microseconds per ${unit}, less is better</text>`,
    );
    y += 8;
    const longest = Math.max(...peers.map(({ cpuMicroseconds }) => cpuMicroseconds));
    for (const { name, cpuMicroseconds } of peers) {
      const width = Math.max(1, (cpuMicroseconds / longest) * BAR.width);
      parts.push(
        `<text x="${BAR.label - 8}" y="${y + 12}" text-anchor="end">${escapeXml(name)}</text>`,
        `<rect x="${BAR.label}" y="${y}" width="${width.toFixed(1)}" height="${BAR.height}" class="${name.startsWith(OURS) ? "ours" : "theirs"}"/>`,
        `<text x="${(BAR.label + width + 6).toFixed(1)}" y="${y + 12}">${cpuMicroseconds.toFixed(1)}</text>`,
      );
      y += BAR.height + BAR.gap;
    }
    y += 10;
  }
  const width = BAR.label + BAR.width + BAR.value;
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${y}" viewBox="0 0 ${width} ${y}" font-family="sans-serif" font-size="12">
<style>rect.ours{fill:#0b7285}rect.theirs{fill:#adb5bd}.title{font-weight:bold}</style>
<rect width="100%" height="100%" fill="#ffffff"/>
${parts.join("\n")}
</svg>
`;
}

/**
 * Replaces what stands between `<!-- NAME:begin -->` and `<!-- NAME:end -->` in a file.
 * @throws when the file has no such marks
 */
export function replaceBetweenMarks(file: string, name: string, text: string): void {
  const old = readFileSync(file, "utf8");
  const [begin, end] = [`<!-- ${name}:begin -->`, `<!-- ${name}:end -->`];
  const [from, to] = [old.indexOf(begin), old.indexOf(end)];
  if (from < 0 || to < from) throw new Error(`${file} has no ${begin} ... ${end}`);
  writeFileSync(file, `${old.slice(0, from + begin.length)}\n${text}\n${old.slice(to)}`);
}

function escapeXml(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;");
}
