/** The words of `outrigger check`, and its manual. */
import { didYouMean } from "@outrigger/core";
import { flagLines, readWords, usageError, type Flag } from "../flag-words.ts";
import type { CheckOptions } from "./check.ts";
import { explainFinding, FINDINGS } from "./findings.ts";

const FLAGS: readonly Flag[] = [
  {
    name: "--filename",
    short: "-f",
    value: "FILE",
    repeated: true,
    help: "manifests, YAML or JSON; - reads standard input, which is also the default; may be repeated, or written without -f",
  },
  { name: "--explain", value: "ID", help: "print what a finding is about, and its remedy" },
  { name: "--help", short: "-h", value: null, help: "print this" },
];

export function checkManual(): string {
  const rows = FINDINGS.map(
    ({ id, severity, sentence }) => `  ${id.padEnd(26)}${severity.padEnd(9)}${sentence}`,
  );
  return `outrigger check: what is wrong with the patterns in a pod, before it is applied

Usage: outrigger check [-f FILE ...]         findings on stdout, one a line
       outrigger check --explain ID          what a finding is about
       kubectl get deploy shop -o yaml | outrigger check

Reads Deployment, StatefulSet, DaemonSet, ReplicaSet, Job, CronJob and Pod, Lists of them, and beside them the Services,
ConfigMaps, Roles and RoleBindings that they need; other kinds are passed over. Each pattern container's own program is
asked, with its arguments, environment and mounted ConfigMap, what it would do; Secrets are not read.

Flags:
${flagLines(FLAGS)}

A line is FILE:LINE:COLUMN: PATH: message (ID); "warning:" or "note:" before a message that is no error. The findings:
${rows.join("\n")}

Exit codes: 0 no error; 1 at least one; 2 the input cannot be read, or the command line is wrong.
`;
}

export function parseCheck(words: readonly string[]): { explain: string } | { options: CheckOptions } {
  const { operands, values } = readWords(words, FLAGS, "check");
  const [id] = values.get("--explain") ?? [];
  if (id !== undefined) {
    const finding = FINDINGS.find((each) => each.id === id);
    if (finding) return { explain: explainFinding(finding) };
    const ids = FINDINGS.map((each) => each.id);
    throw usageError(
      `--explain ${id}: there is no such finding${didYouMean(id, ids)}; there are: ${ids.join(", ")}`,
    );
  }
  const files = [...(values.get("--filename") ?? []), ...operands];
  return { options: { files: files.length > 0 ? files : ["-"] } };
}
