/** Any YAML 1.2 or JSON text as plain values, for files that are no configuration, such as a list of endpoints. */
import { parseDocument } from "yaml";
import { OutriggerError } from "../errors.ts";
import { plainValue, structureProblem } from "./structure.ts";

/**
 * Reads one document of any shape; an empty text is null.
 * @throws OutriggerError `bad-yaml`: names line and column
 */
export function parseYaml(text: string): unknown {
  const parsed = parseDocument(text, { prettyErrors: true, stringKeys: true });
  const structure = structureProblem(parsed);
  if (structure) throw new OutriggerError("bad-yaml", `not YAML that can be used: ${structure.message}`);
  const wrong = parsed.errors[0] ?? parsed.warnings[0];
  if (wrong)
    throw new OutriggerError("bad-yaml", `not YAML: ${wrong.message.split("\n")[0]}`, { cause: wrong });
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
