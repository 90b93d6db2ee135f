/** What a pattern's own program, and the names of annotations, say of its configuration. */
import { didYouMean } from "@outrigger/core";
import type { Path } from "../manifest/document.ts";
import { fields } from "../manifest/workload.ts";
import { PATTERN_NAMES } from "../pod/image.ts";
import type { Finding, Spot } from "./finding.ts";
import type { CheckedPod, PatternContainer } from "./pod.ts";

const PREFIX = "outrigger.dev/";
/** gate: routes of the ambassador. injected: what inject has added. */
const OWN_NAMES: readonly string[] = [...PATTERN_NAMES, "gate", "injected"];

export const configurationFindings: readonly Finding[] = [
  {
    id: "configuration",
    severity: "error",
    sentence:
      "A pattern refuses its configuration: an unknown key or option, a value that it does not accept.",
    why: "The container exits with code 2 at each start; as a native sidecar it keeps the whole pod from starting.",
    remedy: "Write what the message accepts; outrigger-NAME --help lists every key.",
    *find(pod) {
      for (const container of pod.patterns) {
        for (const [problem = "", ...below] of container.facts.refusals)
          yield refusal(pod, container, problem, below);
      }
    },
  },
  {
    id: "not-checked",
    severity: "note",
    sentence: "A pattern's program could not be asked about its configuration.",
    why: "What it would refuse is seen when it starts; findings about its ports and routes rest on its arguments alone.",
    remedy: "Give the ConfigMaps that it reads with the manifests.",
    *find(pod) {
      for (const { path, facts } of pod.patterns) {
        if (facts.unasked !== null)
          yield at(pod, path, `its configuration was not checked: ${facts.unasked}`);
      }
    },
  },
  {
    id: "unknown-annotation",
    severity: "error",
    sentence: `An annotation ${PREFIX}NAME names no pattern.`,
    why: "Nobody reads it: what it asks for is not added, and nobody says so.",
    remedy: `Write one of ${OWN_NAMES.map((name) => PREFIX + name).join(", ")}.`,
    *find(pod) {
      const { workload } = pod;
      const templates: readonly [Path, unknown][] = [
        [workload.path, workload.value["metadata"]],
        [workload.templatePath, workload.template["metadata"]],
      ];
      for (const [path, metadata] of workload.path === workload.templatePath
        ? templates.slice(1)
        : templates) {
        for (const key of Object.keys(fields(fields(metadata)["annotations"]))) {
          const name = key.slice(PREFIX.length);
          if (!key.startsWith(PREFIX) || OWN_NAMES.includes(name)) continue;
          const remedy = `accepted: ${OWN_NAMES.join(", ")}${didYouMean(name, OWN_NAMES)}`;
          yield at(
            pod,
            [...path, "metadata", "annotations", key],
            `${PREFIX} has no ${JSON.stringify(name)}, ${remedy}`,
          );
        }
      }
    },
  },
];

/** Where the program names a line of the mounted file, that line of the ConfigMap; else the container's arguments. */
function refusal(
  pod: CheckedPod,
  container: PatternContainer,
  problem: string,
  below: readonly string[],
): Spot {
  const { config } = container.words;
  if (config !== null && problem.startsWith(`${config.path}:`)) {
    const match = /^:(\d+):(\d+): ([^]*)$/.exec(problem.slice(config.path.length));
    const [line, column] = [Number(match?.[1] ?? 1), Number(match?.[2] ?? 1)];
    return {
      document: config.document,
      path: config.at,
      message: match ? `line ${line}: ${match[3]}` : problem,
      below,
      within: { line, column },
    };
  }
  const { args, env } = container.value;
  const written = args !== undefined ? ["args"] : env !== undefined ? ["env"] : [];
  return { ...at(pod, [...container.path, ...written], problem), below };
}

export const at = (pod: CheckedPod, path: Path, message: string): Spot => ({
  document: pod.workload.document,
  path,
  message,
});
