/** A command in a configuration: a list of words, or one text with blanks between them and quotes around what has blanks. */
import { OutriggerError } from "@outrigger/core";
import * as z from "zod";

const ACCEPTED = `a command: a list of words, or one text with blanks between words and quotes around what has blanks (no shell reads it)`;

/** `node ticker.js --name "two words"` -> ["node", "ticker.js", "--name", "two words"] */
export function commandOption() {
  return z
    .codec(
      z.union([z.array(z.string()), z.string()], { error: `accepted: ${ACCEPTED}` }),
      z.array(z.string()),
      {
        decode(input, context) {
          try {
            const words = typeof input === "string" ? splitWords(input) : input;
            if (words[0] && !words.some((word) => word.includes("\0"))) return words;
          } catch (thrown) {
            if (!(thrown instanceof OutriggerError)) throw thrown;
          }
          context.issues.push({ code: "custom", input, message: `accepted: ${ACCEPTED}` });
          return z.NEVER;
        },
        encode: (words) => words,
      },
    )
    .meta({ accepts: ACCEPTED });
}

/**
 * Quotes as in a POSIX shell, of which nothing else is read: no variables, no globs, no pipes.
 * @throws OutriggerError `bad-command` for a quote that is not closed
 */
export function splitWords(text: string): string[] {
  const words: string[] = [];
  let word: string | null = null;
  let quote: "'" | '"' | null = null;
  for (let at = 0; at < text.length; at++) {
    const char = text[at] as string;
    if (char === "\\" && quote !== "'" && at + 1 < text.length) {
      word = (word ?? "") + (text[++at] as string);
    } else if (quote !== null) {
      if (char === quote) quote = null;
      else word = (word ?? "") + char;
    } else if (char === "'" || char === '"') {
      quote = char;
      word ??= "";
    } else if (/\s/.test(char)) {
      if (word !== null) words.push(word);
      word = null;
    } else word = (word ?? "") + char;
  }
  if (quote !== null) throw new OutriggerError("bad-command", `a quote is not closed: ${text}`);
  if (word !== null) words.push(word);
  return words;
}
