import fc from "fast-check";
import assert from "node:assert/strict";
import { test } from "node:test";
import { createEndpoint, targetAt, type Endpoint } from "../endpoint/endpoint.ts";
import { buildPool } from "./pool.ts";

/** One letter an endpoint: `+` available, `e` ejected, `u` unhealthy, `0` drained; blanks separate priorities. */
function endpoints(letters: string): Endpoint[] {
  return letters.split(" ").flatMap((level, priority) =>
    [...level].map((letter, index) => {
      const endpoint = createEndpoint(
        targetAt(`10.0.${priority}.${index}`, 80, letter === "0" ? 0 : 1, "n", priority),
      );
      endpoint.healthy = letter !== "u";
      endpoint.ejectedUntil = letter === "e" ? 1000 : 0;
      return endpoint;
    }),
  );
}

/** The letters of the eligible ones, and `!` in panic. */
function eligible(letters: string, threshold = 0.5): string {
  const all = endpoints(letters);
  const pool = buildPool(all, threshold);
  const flat = letters.replaceAll(" ", "");
  const places = pool.eligible.map((endpoint) => flat[all.indexOf(endpoint)]).join("");
  return `${places}${pool.panic ? "!" : ""}`;
}

const cases: readonly (readonly [string, string, string, number?])[] = [
  ["all available: all serve", "+++", "+++"],
  ["an ejected and an unhealthy one are out", "+e+u", "++"],
  ["exactly the threshold is no panic", "+e", "+"],
  ["below the threshold all serve", "+eu", "+eu!"],
  ["nothing available: all serve", "eu", "eu!"],
  ["a drained one never serves and does not count", "0+e", "+"],
  ["nor in panic", "0eu", "eu!"],
  ["only drained ones: nothing serves", "00", ""],
  ["threshold 0 never panics", "+eeee", "+", 0],
  ["threshold 0 with nothing available: nothing serves", "ee", "", 0],
  ["threshold 1 panics at the first loss", "++e", "++e!", 1],
  ["the first level serves alone", "+ ++++", "+"],
  ["the next level serves when the first has nothing", "ee ++", "++"],
  ["or too little", "+ee ++", "++"],
  ["levels that are all bad: the first with something available panics", "ee +uu", "+uu!"],
  ["with nothing anywhere the first level panics", "ee uu", "ee!"],
  ["a drained level is passed over", "00 ++", "++"],
];
for (const [sentence, letters, expected, threshold] of cases) {
  test(sentence, () => assert.equal(eligible(letters, threshold), expected));
}

test("outside panic nothing unavailable is eligible; drained is never", () => {
  const letters = fc.stringMatching(/^[+eu0]{0,8}( [+eu0]{1,4})?$/);
  fc.assert(
    fc.property(letters, fc.double({ min: 0, max: 1, noNaN: true }), (text, threshold) => {
      const shown = eligible(text, threshold);
      assert.ok(!shown.includes("0"));
      if (!shown.includes("!")) assert.ok(!/[eu]/.test(shown), shown);
      if (/[+]/.test(text)) assert.notEqual(shown.replace("!", ""), "");
    }),
  );
});
