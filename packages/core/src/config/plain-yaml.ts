/** Any YAML 1.2 or JSON text as plain values, for files that are no configuration, such as a list of endpoints. */
import { LineCounter, parseDocument } from "yaml";
import { OutriggerError } from "../errors.ts";
import { explainYamlError, plainValue, structureProblem } from "./structure.ts";

/**
 * Reads one document of any shape; an empty text is null.
 * @throws OutriggerError `bad-yaml`: names line and column
 */
export function parseYaml(text: string): unknown {
  const lines = new LineCounter();
  const parsed = parseDocument(text, { lineCounter: lines, prettyErrors: false, stringKeys: true });
  const structure = structureProblem(parsed);
  if (structure) throw new OutriggerError("bad-yaml", `not YAML that can be used: ${structure.message}`);
  const wrong = parsed.errors[0] ?? parsed.warnings[0];
  if (wrong) {
    // Without it as the cause: its message quotes the text.
    const { line, col } = lines.linePos(wrong.pos[0]);
    throw new OutriggerError(
      "bad-yaml",
      `not YAML: ${explainYamlError(wrong)} at line ${line}, column ${col}`,
    );
  }
  try {
    return plainValue(parsed);
  } catch (thrown) {
    throw new OutriggerError(
      "bad-yaml",
      `not YAML that can be used: ${OutriggerError.from(thrown).message}`,
      { cause: thrown },
    );
  }
}
