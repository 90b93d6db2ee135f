import { OutriggerError } from "@outrigger/core";
import assert from "node:assert/strict";
import { test } from "node:test";
import { parseEndpointList } from "./endpoint-list.ts";

test("a YAML list, a JSON list and a mapping with endpoints mean the same", () => {
  const expected = [
    { host: "10.0.0.1", port: 80, weight: 1 },
    { host: "catalog", port: 81, weight: 3 },
  ];
  const texts = [
    "# by the deploy script\n- 10.0.0.1:80\n- catalog:81*3\n",
    '["10.0.0.1:80", "catalog:81*3"]',
    "endpoints:\n  - address: 10.0.0.1:80\n  - address: catalog:81\n    weight: 3\n",
  ];
  for (const text of texts) assert.deepEqual(parseEndpointList(text), expected);
});

const refused: Record<string, RegExp> = {
  "": /something else than a list of endpoints/,
  "hello: world": /something else than a list/,
  "- 80": /something else than a list/,
  "[]": /the list is empty: to drain an endpoint give it the weight 0/,
  "- catalog": /"catalog" has no port/,
  "- a b:80": /neither a DNS name nor an IP/,
  '["10.0.0.1:80"': /not YAML/,
  "- {address: 'a:80', wieght: 2}": /something else than a list/,
};
for (const [text, message] of Object.entries(refused)) {
  test(`the content ${JSON.stringify(text)} is refused`, () => {
    assert.throws(
      () => parseEndpointList(text),
      (error) => error instanceof OutriggerError && message.test(error.message),
    );
  });
}
