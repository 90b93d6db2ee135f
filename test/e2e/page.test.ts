import assert from "node:assert/strict";
import { test } from "node:test";
import { findCases } from "./main.ts";
import { parsePage } from "./page.ts";

const FENCE = "```";

/** A page of blocks, each with the mark before it. */
const page = (...blocks: readonly (readonly [mark: string, language: string, body: string])[]): string =>
  `# Title\n\n${blocks.map(([mark, language, body]) => `${mark}\n\n${FENCE}${language}\n${body}\n${FENCE}\n`).join("\n")}`;

test("a case's blocks are one run, with its files and those of every case", () => {
  const text = page(
    ["<!-- e2e: * shared.yaml -->", "yaml", "kind: Pod"],
    ["<!-- e2e: one own.js -->", "js", "1"],
    ["<!-- e2e: one -->", "console", "$ first\nanswer"],
    ["<!-- e2e: two -->", "console", "$ other"],
    ["<!-- e2e: one -->", "console", "$ second"],
  );
  const [one, two] = parsePage("README.md", text);
  assert.deepEqual(one?.files, [
    { path: "shared.yaml", text: "kind: Pod\n" },
    { path: "own.js", text: "1\n" },
  ]);
  assert.deepEqual(
    one.steps.map(({ command, expected }) => [command, expected]),
    [
      ["first", ["answer"]],
      ["second", []],
    ],
  );
  assert.deepEqual(
    two?.files.map(({ path }) => path),
    ["shared.yaml"],
  );
});

test("a command goes on in lines that begin with >, until it has printed something", () => {
  const [only] = parsePage(
    "p",
    page(["<!-- e2e: a -->", "console", "$ for x in 1\n> do\n> done\nout\n> printed"]),
  );
  assert.deepEqual(only?.steps, [
    { command: "for x in 1\ndo\ndone", expected: ["out", "> printed"], line: 6 },
  ]);
});

test("blocks without a mark are not run, nor a mark that a block shows", () => {
  const text = page(["", "console", "$ rm -rf /"], ["", "md", "<!-- e2e: shown -->"]);
  assert.deepEqual(parsePage("p", text), []);
});

for (const [why, text, message] of [
  ["a mark without a block", "<!-- e2e: a -->\n\ntext\n", /^p:1: no fenced block follows/],
  ["a mark that is written wrongly", "<!-- e2e a -->\n", /^p:1: a mark is/],
  ["a block without an end", `<!-- e2e: a -->\n${FENCE}console\n$ a\n`, /^p:2: this block has no end/],
  [
    "files of a case that runs nothing",
    page(["<!-- e2e: a f -->", "js", ""]),
    /case a has files and runs nothing/,
  ],
  ["what runs and is no transcript", page(["<!-- e2e: a -->", "sh", "a"]), /a ```console block, not sh/],
  ["output before the first command", page(["<!-- e2e: a -->", "console", "a"]), /begins with a command/],
  ["a file outside of the case's folder", page(["<!-- e2e: a ../f -->", "js", ""]), /no path below/],
  ["a run of every case", page(["<!-- e2e: * -->", "console", "$ a"]), /belongs to one case/],
] as const) {
  test(`refused with its line: ${why}`, () => {
    assert.throws(() => parsePage("p", text), { message });
  });
}

test("the pages of this repository have cases, each name once", () => {
  const names = findCases().map(({ name }) => name);
  assert.equal(new Set(names).size, names.length);
  for (const name of ["add-to-a-deployment", "roll", "kill", "full", "memory"])
    assert.ok(names.includes(name), name);
});
