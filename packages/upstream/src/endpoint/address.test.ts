import { OutriggerError } from "@outrigger/core";
import fc from "fast-check";
import assert from "node:assert/strict";
import { test } from "node:test";
import { formatAddress, formatHostPort, parseAddress } from "./address.ts";

const readable: Record<string, ReturnType<typeof parseAddress>> = {
  "catalog:8080": { host: "catalog", port: 8080, weight: 1 },
  "10.0.0.1:80*3": { host: "10.0.0.1", port: 80, weight: 3 },
  "[::1]:6379": { host: "::1", port: 6379, weight: 1 },
  "[fe80::1]*2": { host: "fe80::1", port: null, weight: 2 },
  "_http._tcp.catalog": { host: "_http._tcp.catalog", port: null, weight: 1 },
  "catalog.shop.svc.cluster.local.:80*0": { host: "catalog.shop.svc.cluster.local.", port: 80, weight: 0 },
  "a:1*0.5": { host: "a", port: 1, weight: 0.5 },
};
for (const [text, address] of Object.entries(readable)) {
  test(`${text} is an endpoint`, () => assert.deepEqual(parseAddress(text), address));
}

const refused: Record<string, RegExp> = {
  "": /neither a DNS name nor an IP address/,
  ":80": /neither a DNS name nor an IP address/,
  "catalog:0": /port "0" is not a number between 1 and 65535/,
  "catalog:65536": /port "65536"/,
  "catalog:http": /port "http"/,
  "catalog:": /port ""/,
  "a:1*": /weight "" is not a number/,
  "a:1*-1": /weight "-1" is not a number/,
  "::1:80": /IPv6 address is written in brackets/,
  "[::1:80": /not an IPv6 address/,
  "[catalog]:80": /not an IPv6 address/,
  "[::1]80": /not :PORT/,
  "1.2.3:80": /"1\.2\.3" is neither/,
  "256.0.0.1:80": /"256\.0\.0\.1" is neither/,
  "a b:80": /"a b" is neither/,
  "http://a:80": /written in brackets|neither/,
  "a..b:80": /"a\.\.b" is neither/,
};
for (const [text, message] of Object.entries(refused)) {
  test(`${JSON.stringify(text)} is refused, and the message says why and what to write`, () => {
    assert.throws(
      () => parseAddress(text),
      (error) =>
        error instanceof OutriggerError &&
        error.code === "bad-endpoint" &&
        message.test(error.message) &&
        error.message.includes("write HOST:PORT"),
    );
  });
}

test("any text either reads, and then is written back the same way, or is refused as bad-endpoint", () => {
  const name = fc.stringMatching(/^[a-z][a-z0-9-]{0,10}(\.[a-z0-9]{1,5}){0,3}\.?$/);
  const host = fc.oneof(name, fc.ipV4(), fc.ipV6());
  const place = fc.tuple(
    host,
    fc.option(fc.integer({ min: 1, max: 65_535 })),
    fc.integer({ min: 0, max: 999 }),
  );
  fc.assert(
    fc.property(place, ([host, port, weight]) => {
      assert.deepEqual(parseAddress(formatAddress({ host, port, weight })), { host, port, weight });
    }),
  );
  fc.assert(
    fc.property(fc.string(), (text) => {
      try {
        parseAddress(text);
      } catch (thrown) {
        assert.ok(thrown instanceof OutriggerError && thrown.code === "bad-endpoint");
      }
    }),
    { numRuns: 1000 },
  );
});

test("an endpoint's key has IPv6 in brackets", () => {
  assert.equal(formatHostPort("::1", 80), "[::1]:80");
  assert.equal(formatHostPort("10.0.0.1", 80), "10.0.0.1:80");
});
