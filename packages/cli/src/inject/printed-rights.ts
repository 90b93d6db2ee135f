/** What a pattern's --print-role prints, in words: each right, and why. */
import { readDocuments } from "../manifest/document.ts";
import { fields, list, objectsOf, type Fields } from "../manifest/workload.ts";
import type { RightsQuestion } from "./question.ts";

/** By resource. */
const REASONS: Readonly<Record<string, string>> = {
  leases: "the election stands in it",
  endpointslices: "it names the leader behind the Service",
};

/** @param manifest what was printed */
export function printedNote({ pattern, serviceAccount }: RightsQuestion, manifest: string): string {
  const needs = readDocuments("--print-role", manifest, [])
    .flatMap((document) => [...objectsOf(document)])
    .flatMap(({ value }) => list(value["rules"]).map(fields))
    .map(sentence);
  return `outrigger-${pattern.name} needs for service account ${serviceAccount}: ${needs.join("; ")}; and these objects, since create cannot be limited to a name; --rbac FILE writes Role, RoleBinding and objects`;
}

function sentence(rule: Fields): string {
  const all = (key: string): string => list(rule[key]).join(", ");
  const resources = all("resources");
  return `${all("verbs")} of ${resources} ${all("resourceNames")} (${all("apiGroups")}), because ${REASONS[resources] ?? "it says so"}`;
}
