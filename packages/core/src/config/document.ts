/** A YAML 1.2 or JSON text as plain values, with the line and column of every key and value. */
import { isMap, isPair, isScalar, isSeq, LineCounter, parseDocument, type Node } from "yaml";
import { OutriggerError } from "../errors.ts";
import type { ConfigProblem } from "./problem.ts";
import { explainYamlError, plainValue, structureProblem } from "./structure.ts";

export interface ConfigDocument {
  readonly value: Record<string, unknown>;
  /**
   * `name:line:column` of the key or the value at that path; where the path leads to nothing, of the deepest key
   * (or list item) on it that exists.
   */
  locate(path: readonly PropertyKey[], of: "key" | "value"): string;
}

/** One slip of the pen can make hundreds of errors after it. */
const MOST_PROBLEMS = 10;

/** Reads one document whose root is a mapping; an empty text is an empty mapping. */
export function readDocument(
  text: string,
  name: string,
): { readonly document: ConfigDocument } | { readonly problems: readonly ConfigProblem[] } {
  const lines = new LineCounter();
  const at = (offset: number): string => {
    const { line, col } = lines.linePos(offset);
    return `${name}:${line}:${col}`;
  };
  const parsed = parseDocument(text, { lineCounter: lines, prettyErrors: false, stringKeys: true });
  const refuse = (offset: number, message: string): ConfigProblem => ({
    where: at(offset),
    key: "",
    message,
  });
  const structure = structureProblem(parsed);
  if (structure) return { problems: [refuse(structure.offset, `not usable: ${structure.message}`)] };
  const wrong = [...parsed.errors, ...parsed.warnings];
  if (wrong.length > 0) {
    return {
      problems: wrong
        .slice(0, MOST_PROBLEMS)
        .map((error) => refuse(error.pos[0], `not YAML: ${explainYamlError(error)}`)),
    };
  }
  const root = parsed.contents as Node | null;
  if (root === null || (isScalar(root) && root.value === null)) {
    return { document: { value: {}, locate: () => name } };
  }
  if (!isMap(root)) {
    return {
      problems: [
        {
          where: at(root.range?.[0] ?? 0),
          key: "",
          message: "found a list or a single value, accepted: a mapping of keys",
        },
      ],
    };
  }
  let value: Record<string, unknown>;
  try {
    value = plainValue(parsed) as Record<string, unknown>;
  } catch (thrown) {
    const { message } = OutriggerError.from(thrown);
    return { problems: [{ where: name, key: "", message: `not usable: ${message}` }] };
  }
  return {
    document: {
      value,
      locate(path, of) {
        let node: Node = root;
        let keyOffset: number | undefined;
        for (const part of path) {
          const step: unknown = isMap(node)
            ? node.items.find((item) => isScalar(item.key) && String(item.key.value) === String(part))
            : isSeq(node)
              ? node.items[Number(part)]
              : undefined;
          if (isPair(step)) {
            keyOffset = (step.key as Node).range?.[0];
            // A key without a value has none to go into; its own place serves for both.
            if (!step.value) return at(keyOffset ?? 0);
            node = step.value as Node;
          } else if (step) {
            keyOffset = undefined;
            node = step as Node;
          } else return at(keyOffset ?? node.range?.[0] ?? 0);
        }
        return at((of === "key" ? keyOffset : undefined) ?? node.range?.[0] ?? 0);
      },
    },
  };
}
