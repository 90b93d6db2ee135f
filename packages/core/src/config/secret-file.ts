import { OutriggerError } from "../errors.ts";
import { readText } from "./read-text.ts";

/**
 * A secret as a mounted volume has it: the file's text without a line's end behind it.
 * @param key of the configuration, for the message
 * @throws OutriggerError `unreadable-secret`
 */
export async function readSecretFile(path: string, key: string): Promise<string> {
  try {
    return (await readText(path)).replace(/\r?\n$/, "");
  } catch (thrown) {
    throw new OutriggerError(
      "unreadable-secret",
      `${key} ${path} cannot be read: ${(thrown as Error).message}`,
      { cause: thrown },
    );
  }
}
