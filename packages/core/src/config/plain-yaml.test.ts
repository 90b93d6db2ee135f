import assert from "node:assert/strict";
import { test } from "node:test";
import { parseYaml } from "./plain-yaml.ts";

test("any shape of YAML or JSON is read, an empty text is null", () => {
  assert.deepEqual(parseYaml("- a\n- {b: 1}"), ["a", { b: 1 }]);
  assert.deepEqual(parseYaml('["a"]'), ["a"]);
  assert.equal(parseYaml(""), null);
});

for (const [text, message] of [
  ["a: [1", /^not YAML: .+ at line 1, column 6/],
  ["&a [*a]", /^not YAML that can be used: an alias .* stands inside of what it stands for$/],
  ["[*a]", /^not YAML that can be used: an alias .* has no anchor of that name before it$/],
  ["- !hunter2zz x", /^not YAML: a tag .* is not known here: .* at line 1, column 3$/],
  ["[".repeat(9_000), /^not YAML that can be used: nested deeper than 100 levels$/],
  [
    `[&a0 [x]${Array.from({ length: 20 }, (_, n) => `, &a${n + 1} [*a${n}, *a${n}]`).join("")}]`,
    /^not YAML that can be used: its aliases multiply into more than 100/,
  ],
] as const) {
  test(`${text.slice(0, 20)} is refused: ${message.source}`, () =>
    assert.throws(() => parseYaml(text), { code: "bad-yaml", message }));
}
