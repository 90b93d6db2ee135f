import assert from "node:assert/strict";
import { test } from "node:test";
import { interpolate } from "./interpolate.ts";

const env = { HOST: "catalog", EMPTY: "", EVIL: "a: {b: c}\n- ${HOST} $$" };

for (const [sentence, text, expected, unset] of [
  ["a variable stands for its value", "http://${HOST}:80", "http://catalog:80", []],
  ["an unset variable with a default is the default", "${PORT:-8080}", "8080", []],
  ["an empty variable with a default is the default", "${EMPTY:-x}", "x", []],
  ["a set variable with a default is its value", "${HOST:-x}", "catalog", []],
  ["an empty variable without a default is empty", "[${EMPTY}]", "[]", []],
  ["an unset variable is told", "${NOPE} ${NADA}", "${NOPE} ${NADA}", ["NOPE", "NADA"]],
  ["a group of a regular expression is left alone", "${1} $1 ${}", "${1} $1 ${}", []],
  ["two dollar signs are one", "$${HOST} costs $$5", "${HOST} costs $5", []],
  ["a lone dollar sign is itself", "^a$|$HOST", "^a$|$HOST", []],
  ["a value is not interpolated again", "${EVIL}", "a: {b: c}\n- ${HOST} $$", []],
] as const) {
  test(sentence, () => {
    const missing: string[] = [];
    assert.equal(
      interpolate(text, env, (name) => missing.push(name)),
      expected,
    );
    assert.deepEqual(missing, unset);
  });
}
