/** Label selectors (equality and sets) and the one field selector that these kinds have: metadata.name, metadata.namespace. */
import { badRequest } from "./refusal.ts";
import type { Stored } from "./stored.ts";

export type Match = (object: Stored) => boolean;

export function readSelectors(query: URLSearchParams): { matches: Match; name: string } {
  const conditions = [...labelConditions(query.get("labelSelector") ?? "")];
  let name = "";
  for (const part of (query.get("fieldSelector") ?? "").split(",").filter((text) => text !== "")) {
    const [, key, value] = /^(metadata\.name|metadata\.namespace)==?(.*)$/.exec(part) ?? [];
    if (key === undefined || value === undefined)
      throw badRequest(`field label not supported: ${part.split("=")[0]}`);
    if (key === "metadata.name") name = value;
    conditions.push(
      ({ metadata }) => (key === "metadata.name" ? metadata.name : metadata.namespace) === value,
    );
  }
  return { matches: (object) => conditions.every((condition) => condition(object)), name };
}

function* labelConditions(selector: string): Generator<Match> {
  for (const part of selector.split(/,(?![^(]*\))/).map((text) => text.trim())) {
    if (part === "") continue;
    const set = /^(\S+)\s+(in|notin)\s+\(([^)]*)\)$/.exec(part);
    const equal = /^([^=!\s]+)\s*(==?|!=)\s*(\S*)$/.exec(part);
    const exists = /^(!?)([^=!\s]+)$/.exec(part);
    const label = (object: Stored, key: string): string | undefined => object.metadata.labels?.[key];
    if (set) {
      const [, key, operator, list] = set as unknown as [string, string, string, string];
      const values = new Set<string | undefined>(list.split(",").map((value) => value.trim()));
      yield (object) => values.has(label(object, key)) === (operator === "in");
    } else if (equal) {
      const [, key, operator, value] = equal as unknown as [string, string, string, string];
      yield (object) => (label(object, key) === value) === (operator !== "!=");
    } else if (exists) {
      const [, not, key] = exists as unknown as [string, string, string];
      yield (object) => (label(object, key) === undefined) === (not === "!");
    } else throw badRequest(`unable to parse requirement: ${part}`);
  }
}
