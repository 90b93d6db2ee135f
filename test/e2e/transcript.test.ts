import assert from "node:assert/strict";
import { test } from "node:test";
import { disagreement } from "./transcript.ts";

for (const [sentence, expected, printed] of [
  ["the same lines", ["a", "b"], "a\nb\n"],
  ["empty lines and blanks at the end do not count", ["a", ""], "a  \n\n\n"],
  ["[..] is any part of a line, also none", ["[..]a[..]c[..]"], "abc"],
  ["... is any lines, also none", ["a", "...", "b"], "a\nb"],
  ["... is as many lines as make the rest fit", ["...", "b", "c"], "b\nx\nb\nc"],
  ["... alone is anything", ["..."], ""],
  ["signs of regular expressions are themselves", ["(a) [b] $1.0 ^|\\ {2}"], "(a) [b] $1.0 ^|\\ {2}"],
] as const) {
  test(`agrees: ${sentence}`, () => assert.equal(disagreement(expected, printed), null));
}

for (const [sentence, expected, printed, said] of [
  ["another line", ["a", "b"], "a\nc", "the page has: b"],
  ["a line more than the page has", ["a"], "a\nb", "the page has no line for: b"],
  ["a line less", ["a", "b"], "a", "the page has: b"],
  ["a part that is not the whole line", ["1 lost"], "11 lost", "the page has: 1 lost"],
  [
    "a number where the page has another",
    ["[..] requests, 0 lost"],
    "9 requests, 10 lost",
    "the page has: [..] requests, 0 lost",
  ],
  ["lines after the last one that ... may be", ["...", "b"], "b\nc", "the page has no line for: c"],
  ["anything where the page has nothing", [], "warning", "the page has no line for: warning"],
] as const) {
  test(`disagrees: ${sentence}`, () => assert.equal(disagreement(expected, printed), said));
}
