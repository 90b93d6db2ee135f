/** The table: everything that `outrigger check` finds, in the order in which a reader meets it. */
import { configurationFindings } from "./configuration-findings.ts";
import type { Finding } from "./finding.ts";
import { gateFindings } from "./gate-findings.ts";
import { portFindings } from "./port-findings.ts";
import { probeFindings } from "./probe-findings.ts";
import { queueFindings } from "./queue-findings.ts";
import { startFindings } from "./start-findings.ts";
import { worldFindings } from "./world-findings.ts";

export const FINDINGS: readonly Finding[] = [
  ...configurationFindings,
  ...portFindings,
  ...probeFindings,
  ...startFindings,
  ...gateFindings,
  ...queueFindings,
  ...worldFindings,
];

/** The whole of one row, as --explain prints it. */
export function explainFinding({ id, severity, sentence, why, remedy }: Finding): string {
  return `${id} (${severity})\n\n${sentence}\n${why}\n\nRemedy: ${remedy}\n`;
}

/** The README with the table as it is now. */
export function withFindings(readme: string): string {
  const cell = (value: string): string => value.replaceAll("|", "\\|");
  const rows = FINDINGS.map(
    ({ id, severity, sentence, why, remedy }) =>
      `| \`${id}\` | ${severity} | ${cell(`${sentence} ${why}`)} | ${cell(remedy)} |`,
  );
  const table = ["| id | | what, and what happens then | remedy |", "|---|---|---|---|", ...rows].join("\n");
  return readme.replace(
    /(<!-- findings:begin -->\n)[^]*?(<!-- findings:end -->)/,
    (_all, begin: string, end: string) => `${begin}${table}\n${end}`,
  );
}
