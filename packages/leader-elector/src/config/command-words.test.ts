import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { commandOption, splitWords } from "./command-words.ts";

const CASES: Record<string, readonly [string, readonly string[]]> = {
  "blanks part words": ["node  ticker.js\t--fast\n", ["node", "ticker.js", "--fast"]],
  "quotes keep blanks, and may stand within a word": [`a "b c" d' e'f`, ["a", "b c", "d ef"]],
  "an empty quoted word is a word": [`a '' ""`, ["a", "", ""]],
  "a backslash keeps what follows, but not in single quotes": [`a\\ b "\\"" '\\'`, ["a b", '"', "\\"]],
  "what a shell would read is text": ["echo $HOME *|x;y", ["echo", "$HOME", "*|x;y"]],
};
for (const [sentence, [text, words]] of Object.entries(CASES))
  test(sentence, () => assert.deepEqual(splitWords(text), words));

test("words quoted one by one come back as they were", () => {
  fc.assert(
    fc.property(fc.array(fc.string()), (words) => {
      const text = words.map((word) => `'${word.replaceAll("'", `'\\''`)}'`).join(" ");
      assert.deepEqual(splitWords(text), words);
    }),
  );
});

test("an open quote, no words and a NUL are refused with what is accepted", () => {
  for (const input of ["a 'b", "", "  ", [], [""], ["a\0"]]) {
    const { error } = commandOption().safeParse(input);
    assert.match(error?.issues[0]?.message ?? "", /^accepted: a command/, JSON.stringify(input));
  }
});
