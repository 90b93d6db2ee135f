import fc from "fast-check";
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Endpoint } from "../endpoint/endpoint.ts";
import { addresses, createFixture } from "../testing/upstream-fixture.ts";

const balance = "round-robin";

function order(endpoints: string[], picks: number): string {
  const { pick } = createFixture({ endpoints, balance });
  return Array.from({ length: picks }, () => pick()?.host.at(-1)).join("");
}

test("equal endpoints take turns", () => assert.equal(order(addresses(3), 7), "1231231"));

test("weights 5, 1, 1 give nginx's own order", () => {
  assert.equal(order(["10.0.0.1:80*5", "10.0.0.2:80*1", "10.0.0.3:80*1"], 14), "11213111121311");
});

test("in each full cycle every endpoint has exactly its weight, and at no time is it a pick or more off its share per rival", () => {
  const weights = fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 6 });
  fc.assert(
    fc.property(weights, (list) => {
      const { pick, upstream } = createFixture({
        endpoints: list.map((w, i) => `10.0.0.${i + 1}:80*${w}`),
        balance,
      });
      const sum = list.reduce((total, weight) => total + weight, 0);
      const counts = new Map<Endpoint, number>(upstream.endpoints.map((endpoint) => [endpoint, 0]));
      for (let picks = 1; picks <= 3 * sum; picks++) {
        const endpoint = pick() as Endpoint;
        counts.set(endpoint, (counts.get(endpoint) ?? 0) + 1);
        for (const [each, count] of counts) {
          const due = (picks * each.weight) / sum;
          assert.ok(Math.abs(count - due) < list.length, `${each.key} has ${count}, due ${due}`);
          if (picks % sum === 0) assert.equal(count, due);
        }
      }
    }),
  );
});

test("a retry passes over what was tried and keeps the turns of the others", () => {
  const { pick, at } = createFixture({ endpoints: addresses(3), balance });
  assert.equal(pick(), at(0));
  assert.equal(pick([at(1)]), at(2));
  assert.equal(pick(), at(0));
  assert.equal(pick([at(0), at(1), at(2)]), at(1));
});

test("a weighted retry never lands on what was tried", () => {
  const { pick, at } = createFixture({ endpoints: ["10.0.0.1:80*9", "10.0.0.2:80", "10.0.0.3:80"], balance });
  for (let i = 0; i < 50; i++) assert.notEqual(pick([at(0)]), at(0));
});
