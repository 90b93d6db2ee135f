import assert from "node:assert/strict";
import { test } from "node:test";
import { closest, didYouMean } from "./did-you-mean.ts";

test("a swapped, missing, extra or wrong letter still finds the word", () => {
  const known = ["retries", "retryBudget", "balance", "hedge"];
  for (const word of ["retires", "retrie", "retriess", "retrles", "RETRIES"])
    assert.equal(closest(word, known), "retries");
  assert.equal(didYouMean("retyBudget", known), " (did you mean retryBudget?)");
});

test("a word far from all is given no guess", () => {
  assert.equal(closest("timeout", ["retries", "balance"]), undefined);
  assert.equal(didYouMean("x", ["retries"]), "");
  assert.equal(closest("a".repeat(1000), ["a"]), undefined);
});
